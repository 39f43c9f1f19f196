"""An empty board in Redis, and servers of the catalogue."""

from collections.abc import Iterator
from typing import Any

import pytest

from bridge.manager.board import board


@pytest.fixture(autouse=True)
def empty_board(db: None) -> Iterator[Any]:
    """The Redis of the tests, without what other tests left there."""
    wipe()
    yield board()
    wipe()


def wipe() -> None:
    keys = list(board().scan_iter(match="dazbox:mcp:*", count=5000))
    if keys:
        board().delete(*keys)
