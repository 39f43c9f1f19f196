"""A model on a loopback socket, and settings that lead to it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from pydantic import SecretStr

from mcp_saas.kit.breaker import Breakers
from rag.pipeline import rephrase
from rag.sources.openai.answers import forget_dialects
from tests.fakes.openai_server import KEY, MODEL, OpenAIServer, Said


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    forget_dialects()
    monkeypatch.setattr(rephrase, "breakers", Breakers())
    with OpenAIServer(lambda _: Said(status=500)) as server:
        yield server
    cache.clear()


@pytest.fixture
def use_model(settings: Any, server: OpenAIServer) -> Callable[..., None]:
    """From then on answers are put into words by the server; `changes` to the settings."""

    def use(**changes: Any) -> None:
        usual = {
            "openai_api_key": SecretStr(KEY),
            "openai_base_url": server.base_url,
            "openai_model": MODEL,
            "openai_timeout_s": 0.5,
            "openai_budget_s": 1.0,
        }
        settings.ENV = settings.ENV.model_copy(update=usual | changes)

    return use
