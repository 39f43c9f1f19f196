"""An operator sends a new graph; nobody else may."""

from pathlib import Path
from typing import Any

import pytest

from nodes.pipeline.graph_refresh import load_waiting
from nodes.simulator.small_network import generate_network
from nodes.sources.describegraph.writer import write_graph
from tenants.tokens.access import mint_access_token
from tests.conftest import ApiClient
from tests.factories import Box

pytestmark = pytest.mark.django_db
PATH = "/api/v1/provisioning/graph"


@pytest.fixture
def operator() -> str:
    return mint_access_token(subject="olga", scopes=["operator"], tenant_id=None)


def test_what_is_sent_waits_is_loaded_and_in_force(api: ApiClient, operator: str, tmp_path: Path) -> None:
    write_graph(generate_network(seed=7, now_s=1_760_000_000), tmp_path / "graph.json")
    assert api.get(PATH, token=operator).json == {"graph": None, "upload": None}

    sent = api.post(PATH, (tmp_path / "graph.json").read_bytes(), token=operator, content_type="application/x-xz")
    load_waiting()
    shown = api.get(PATH, token=operator).json

    assert (sent.status, sent.json["state"]) == (202, "waiting")
    assert (shown["upload"]["id"], shown["upload"]["state"]) == (sent.json["id"], "loaded")
    assert (shown["graph"]["node_count"], shown["graph"]["age_hours"]) == (120, 0.0)


def test_an_empty_or_too_large_file_is_refused(api: ApiClient, operator: str) -> None:
    answers: list[Any] = [api.post(PATH, body, token=operator) for body in (b"", b"x" * (10 * 2**20 + 1))]

    assert [answer.status for answer in answers] == [400, 413]


def test_a_box_may_not(api: ApiClient, alice: Box) -> None:
    assert api.post(PATH, b"x", token=api.token_of(alice)).status == 403
