"""Which embedder a process uses, as the settings say: OpenAI, a served one, or the local model."""

import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from pydantic import SecretStr

from rag.engine.embedding import EmbeddingModel
from rag.sources.embedder import choose_embedder, forget_embedder
from rag.sources.minilm.client import EmbedderClient
from rag.sources.minilm.model import MiniLM
from rag.sources.minilm.wire import MODEL
from rag.sources.openai.embeddings import OpenAIEmbedder

KEY = SecretStr("sk-test")
SERVED = "http://127.0.0.1:9/embed"


@pytest.fixture(autouse=True)
def _forget() -> Any:
    forget_embedder()
    yield
    forget_embedder()


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"openai_api_key": KEY}, OpenAIEmbedder),
        ({"openai_api_key": KEY, "embedder_url": SERVED}, OpenAIEmbedder),
        ({"embedder_url": SERVED}, EmbedderClient),
        ({"embedder_url": SERVED, "embedder_api_key": KEY}, EmbedderClient),
        ({}, MiniLM),
    ],
)
def test_a_key_of_openai_goes_before_a_served_model_and_that_before_one_here(
    settings: Any, tmp_path: Path, given: dict[str, Any], kind: type
) -> None:
    use(settings, model_cache_dir=tmp_path / "models", **given)
    assert type(choose_embedder()) is kind
    assert not (tmp_path / "models").exists(), "nothing is loaded, and nothing made, before a text comes"


def test_the_model_is_known_before_anything_is_asked(settings: Any) -> None:
    use(settings, embedder_url=SERVED)
    assert choose_embedder().model == MODEL
    forget_embedder()
    use(settings, openai_api_key=KEY, openai_embedding_model="m", openai_embedding_dimension=256)
    assert choose_embedder().model == EmbeddingModel("m", 256, has_tokens=False)


def test_a_process_has_one_and_its_forked_child_another(settings: Any) -> None:
    use(settings, embedder_url=SERVED)
    mine = choose_embedder()
    assert choose_embedder() is mine
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"same" if choose_embedder() is mine else b"own")
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        assert answer.read() == b"own"


def use(settings: Any, **given: Any) -> None:
    nothing = {"openai_api_key": None, "embedder_url": "", "embedder_api_key": None}
    settings.ENV = django_settings.ENV.model_copy(update=nothing | given)
