"""A Qdrant or an embedder of the user's own: asked before anything is started, and then used instead of ours."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.given import check_qdrant
from mcp_saas.embedded.knowledge.service import KnowledgeService
from mcp_saas.embedded.state import open_state


def test_web_and_worker_are_told_where_our_engine_and_embedder_are(tmp_path: Path) -> None:
    with open_state(tmp_path) as state, closing(KnowledgeService(state, given={})) as service:
        environment, key = service.environment, state.secret("knowledge")
    assert environment["QDRANT_URL"].startswith("http://127.0.0.1:")
    assert environment["QDRANT_API_KEY"] == key
    place = environment["QDRANT_URL"].removeprefix("http://")
    assert environment["EMBEDDER_URL"] == f"http://:{key}@{place}/embed"


def test_with_a_qdrant_of_ones_own_only_the_embedder_is_ours(
    tmp_path: Path, knowledge_url: str, knowledge_key: str
) -> None:
    given = {"QDRANT_URL": knowledge_url, "QDRANT_API_KEY": knowledge_key}
    assert list(environment_beside(given, tmp_path)) == ["EMBEDDER_URL"]


def test_with_an_embedder_too_nothing_is_ours(tmp_path: Path, knowledge_url: str, knowledge_key: str) -> None:
    given = {"QDRANT_URL": knowledge_url, "QDRANT_API_KEY": knowledge_key, "EMBEDDER_URL": "http://127.0.0.1:1"}
    assert environment_beside(given, tmp_path) == {}


def environment_beside(given: Mapping[str, str], home: Path) -> Mapping[str, str]:
    with open_state(home) as state, closing(KnowledgeService(state, given=given)) as service:
        return service.environment


def test_a_qdrant_that_is_not_there_is_told(port: int) -> None:
    with pytest.raises(LaunchError) as refused:
        check_qdrant(f"http://127.0.0.1:{port}", "")
    assert str(refused.value).startswith(f"QDRANT_URL: 127.0.0.1:{port} does not serve us")
    assert str(refused.value).endswith("start the server, or correct the host and port")


def test_a_qdrant_that_refuses_the_key_is_told(knowledge_url: str) -> None:
    with pytest.raises(LaunchError, match=r"\(status 401\): set QDRANT_API_KEY to a key of it"):
        check_qdrant(knowledge_url, "a wrong one")


def test_what_is_no_url_of_a_qdrant_is_told_with_the_form_of_one() -> None:
    with pytest.raises(LaunchError, match="QDRANT_URL is no URL of the form https://host:6333"):
        check_qdrant("qdrant.example", "")
