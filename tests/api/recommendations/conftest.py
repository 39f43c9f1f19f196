"""A model on a loopback socket, and settings that lead to it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from pydantic import SecretStr

from mcp_saas.kit.breaker import Breaker, Breakers
from nodes.pipeline import provide_together
from nodes.sources.provider import exchange
from nodes.sources.provider.rest import Rests
from rag.pipeline import rephrase
from rag.sources.openai.answers import forget_dialects
from recommendations.pipeline import cite
from tests.api.recommendations.providers import Providers, serve_providers
from tests.clock import Clock
from tests.fakes.openai_server import KEY, MODEL, OpenAIServer, Said


@pytest.fixture(autouse=True)
def store_away(settings: Any) -> None:
    """Nobody is at QDRANT_URL, but for tests that ask for `library`."""
    settings.ENV = settings.ENV.model_copy(update={"qdrant_url": "http://127.0.0.1:9", "qdrant_api_key": None})


@pytest.fixture(autouse=True)
def searches_anew(monkeypatch: pytest.MonkeyPatch, clock: "Clock") -> None:
    """No citation of a test before, and no failure of one either."""
    cache.clear()
    cite._at_hand.clear()
    monkeypatch.setattr(cite, "breaker", Breaker(failures=1, clock=clock))


@pytest.fixture
def providers(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Providers]:
    """What other tests did to providers of these names is forgotten. A slow machine has time."""
    monkeypatch.setattr(provide_together, "WITHIN_S", 3.0)
    monkeypatch.setattr(provide_together, "IN_HASTE_S", 3.0)
    monkeypatch.setattr(exchange, "breakers", Breakers())
    monkeypatch.setattr(exchange, "rests", Rests())
    with serve_providers(settings) as served:
        yield served


@pytest.fixture
def clock() -> Clock:
    """Of the breakers."""
    return Clock(0.0)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[OpenAIServer]:
    forget_dialects()
    monkeypatch.setattr(rephrase, "breakers", Breakers(lambda: Breaker(clock=clock)))
    with OpenAIServer(lambda _: Said(status=500)) as server:
        yield server
    cache.clear()


@pytest.fixture
def use_model(settings: Any, server: OpenAIServer) -> Callable[..., None]:
    """From then on answers are put into words by the server; `changes` to the settings. There is time enough: a test
    whose server hangs takes less of it.
    """

    def use(**changes: Any) -> None:
        usual = {
            "openai_api_key": SecretStr(KEY),
            "openai_base_url": server.base_url,
            "openai_model": MODEL,
            "openai_timeout_s": 20.0,
            "openai_budget_s": 40.0,
        }
        settings.ENV = settings.ENV.model_copy(update=usual | changes)

    return use
