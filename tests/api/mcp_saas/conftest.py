"""Addresses at which nobody answers, and a database that is away."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.mcp_saas.outage import database_at


@pytest.fixture
def closed_port() -> int:
    """A port of this machine that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.fixture
def unwrapped_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The database without a transaction around the test: its connection may come and go."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def database_away(unwrapped_db: None, closed_port: int) -> Iterator[None]:
    """The database refuses connections, as while it restarts."""
    with database_at(closed_port):
        yield
