"""Stores to test with: the embedded service over HTTP, the client's own imitation, and a server where one is named."""

import os
import secrets
import warnings
from collections.abc import Iterator
from functools import partial

import pytest
from qdrant_client import QdrantClient

from rag.sources.qdrant.border import Border, open_border
from rag.sources.qdrant.store import Store
from tests.fakes.local_qdrant import LocalQdrant
from tests.points import make_model

SERVER = os.environ.get("QDRANT_TEST_URL")  # noqa: TID251 - which servers there are to test with is no setting


SERVED = ("embedded", *(["server"] if SERVER else []))


@pytest.fixture(params=[*SERVED, "local"])
def border(request: pytest.FixtureRequest) -> Iterator[Border]:
    """The embedded service over HTTP; qdrant-client's own imitation, as a second opinion; a server, where one is."""
    if request.param == "embedded":
        yield from opened(request.getfixturevalue("knowledge_url"), request.getfixturevalue("knowledge_key"))
    elif request.param == "server":
        yield from opened(str(SERVER), os.environ.get("QDRANT_TEST_API_KEY"))  # noqa: TID251 - as the line above SERVER
    else:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Payload indexes have no effect")
            yield Border(LocalQdrant(), place="memory")


def opened(url: str, key: str | None) -> Iterator[Border]:
    border = open_border(url, key)
    yield border
    border.close()


@pytest.fixture
def prefix(border: Border) -> Iterator[str]:
    """Of this test alone: others may have collections on the same server."""
    prefix = f"test-{secrets.token_hex(6)}"
    yield prefix
    for one in border.call(lambda raw: raw.get_collections()).collections:
        if one.name.startswith(prefix):
            border.call(partial(drop, name=one.name))


def drop(raw: QdrantClient, *, name: str) -> None:
    raw.delete_collection(name)


@pytest.fixture
def store(border: Border, prefix: str) -> Store:
    return Store(border, prefix=prefix, model=make_model())
