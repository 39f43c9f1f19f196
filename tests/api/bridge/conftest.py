"""An empty board, a server of the catalogue, and who asks."""

from collections.abc import Iterator
from typing import Any

import pytest

from bridge.catalogue.models import McpServer
from bridge.engine.server import Server, Stdio
from bridge.manager.board import board
from bridge.manager.catalogue import add_server
from tenants.tokens.access import mint_access_token
from tests.db.bridge.conftest import wipe


@pytest.fixture(autouse=True)
def empty_board(db: None) -> Iterator[Any]:
    wipe()
    yield board()
    wipe()


@pytest.fixture
def operator() -> str:
    return mint_access_token(subject="operator:1", scopes=["operator"], tenant_id=None)


@pytest.fixture
def echo(db: None) -> McpServer:
    return add_server(Server("echo", Stdio("/usr/bin/echo-server", env={"TOKEN": "s3cret"})), actor="operator:1")
