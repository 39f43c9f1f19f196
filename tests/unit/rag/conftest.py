"""A server that speaks OpenAI's protocol, and a way to it that waits a moment only."""

from collections.abc import Iterator

import pytest

from rag.sources.openai.answers import forget_dialects
from rag.sources.openai.connect import ModelAccess
from tests.fakes.openai_server import KEY, MODEL, OpenAIServer, Said


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    forget_dialects()
    with OpenAIServer(lambda _: Said(status=500)) as server:
        yield server
    forget_dialects()


@pytest.fixture
def access(server: OpenAIServer) -> ModelAccess:
    return ModelAccess(api_key=KEY, base_url=server.base_url, model=MODEL, timeout_s=10.0, budget_s=20.0)
