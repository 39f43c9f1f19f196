"""One gateway for the tests that only call: a server of both eras, one of before, one written by hand."""

from collections.abc import Iterator

import pytest

from tests.bridge.gateway.running import Running, child, running


@pytest.fixture(scope="package")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    servers = {
        "modern": child("everything.py"),
        "legacy": child("everything.py", "--legacy"),
        "echo": child("fast_echo.py"),
    }
    with running(tmp_path_factory.mktemp("gateway"), servers) as gateway:
        yield gateway
