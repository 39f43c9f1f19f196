"""An index of its own for each test, in the real service."""

import uuid
from collections.abc import Iterator

import pytest

from rag.pipeline.point import Index
from rag.sources.qdrant.border import open_border
from rag.sources.qdrant.store import Store
from tests.fakes.embedder import CountingEmbedder


@pytest.fixture
def index(knowledge_url: str, knowledge_key: str) -> Iterator[Index]:
    embedder = CountingEmbedder()
    border, prefix = open_border(knowledge_url, knowledge_key or None), f"t{uuid.uuid4().hex[:12]}"
    store = Store(border, prefix=prefix, model=embedder.model)
    yield Index(embedder, store)
    store.close()
