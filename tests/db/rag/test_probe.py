"""The health of the store of vectors: asked where it always runs, remembered where it starts when it is asked."""

import pytest
from django.conf import settings

from rag.engine.embedding import EmbeddingModel
from rag.sources.qdrant.connect import connect, list_breakers
from rag.sources.qdrant.probe import probe_store
from tests.fakes.json_server import JsonServer, Reply


def set_store(monkeypatch: pytest.MonkeyPatch, url: str, *, on_demand: bool) -> None:
    changes = {"qdrant_url": url, "qdrant_api_key": None, "qdrant_on_demand": on_demand}
    monkeypatch.setattr(settings, "ENV", settings.ENV.model_copy(update=changes))


@pytest.mark.parametrize(("status", "state"), [(200, "connected"), (503, "degraded")])
def test_a_store_of_its_own_is_asked(monkeypatch: pytest.MonkeyPatch, status: int, state: str) -> None:
    with JsonServer(lambda call: Reply(status=status)) as server:
        set_store(monkeypatch, f"http://127.0.0.1:{server.port}", on_demand=False)
        assert probe_store() == state
        assert [call.path for call in server.calls] == ["/readyz"]


def test_one_that_is_away_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    with JsonServer(lambda call: Reply()) as server:
        gone = f"http://127.0.0.1:{server.port}"
    set_store(monkeypatch, gone, on_demand=False)
    assert probe_store() == "disconnected"


def test_one_that_sleeps_is_not_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    with JsonServer(lambda call: Reply()) as server:
        set_store(monkeypatch, f"http://127.0.0.1:{server.port}", on_demand=True)
        assert probe_store() == "connected"
        assert server.calls == []


def test_of_one_that_sleeps_its_last_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    set_store(monkeypatch, "http://127.0.0.2:9", on_demand=True)  # of this test alone: breakers are the process's
    connect(EmbeddingModel("probed", 16, has_tokens=False))
    [breaker] = list_breakers()
    breaker.note_failure()
    assert probe_store() == "disconnected"
    breaker.note_success()
    assert probe_store() == "connected"
