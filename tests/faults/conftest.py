"""Committed boxes, beside the three of every test; a port nobody listens on."""

import socket

import pytest

from tests.committed import committed_db

__all__ = ["committed_db"]


@pytest.fixture
def port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
