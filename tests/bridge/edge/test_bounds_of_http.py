"""What anybody may send before the door: bounded in bytes and in time."""

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState

from bridge.gateway.protocol import PATIENCE_S, BoundedProtocol
from tests.bridge.edge.test_whole import TURNCOAT
from tests.bridge.gateway.running import Running, running

CLOSED = b"closed"
BEGIN = b"POST /mcp HTTP/1.1\r\nhost: localhost\r\n"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running(tmp_path_factory.mktemp("gateway"), TURNCOAT) as gateway:
        yield gateway


def pour(gateway: Running, begin: bytes, more: bytes) -> bytes:
    """What the gateway says to one who goes on until he is stopped, or has sent 64 MB."""
    with socket.create_connection(gateway.listening.getsockname(), timeout=60) as client:
        client.sendall(begin)
        try:
            for _ in range((64 << 20) // len(more)):
                client.sendall(more)
            return client.recv(100)
        except ConnectionError:
            return CLOSED


@pytest.mark.parametrize("more", [b"x-more: " + b"y" * 8_000 + b"\r\n", b"y" * 65_536], ids=["headers", "one header"])
def test_headers_without_an_end_are_refused(gateway: Running, more: bytes) -> None:
    assert pour(gateway, BEGIN + b"x: ", more)[:12] in {b"HTTP/1.1 431", CLOSED}
    assert httpx.get(f"{gateway.base}/mcp/status", timeout=60, trust_env=False).status_code == 200


def test_trailers_without_an_end_are_refused(gateway: Running) -> None:
    begin = BEGIN + b"transfer-encoding: chunked\r\n\r\n0\r\nx: "
    assert pour(gateway, begin, b"y" * 65_536) == CLOSED
    assert httpx.get(f"{gateway.base}/mcp/status", timeout=60, trust_env=False).status_code == 200


def test_pings_of_one_who_reads_no_answer_fill_no_memory(gateway: Running) -> None:
    upgrade = b"GET /mcp/ws HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    upgrade += b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ping = b"\x89\xfd\0\0\0\0" + b"x" * 125
    assert pour(gateway, upgrade, ping * 500) == CLOSED


def test_an_origin_that_cannot_be_read_is_a_foreign_one(gateway: Running) -> None:
    for origin in ("http://[", "http://[::1", "null"):
        answer = httpx.get(f"{gateway.base}/mcp/status", headers={"origin": origin}, trust_env=False)
        assert answer.status_code == 403


class Wire(SimpleNamespace):
    """A transport that keeps what is done to it."""

    is_ended = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def is_closing(self) -> bool:
        return self.is_ended

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None:
        self.is_ended = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


@pytest.mark.parametrize(
    ("sent", "is_ended"),
    [
        (b"", True),
        (BEGIN, True),
        (BEGIN + b"content-length: 9\r\n\r\nhalf", True),
        (BEGIN + b"content-length: 9\r\n\r\nthe whole", False),
    ],
)
def test_a_request_that_does_not_come_to_its_end_is_ended(sent: bytes, is_ended: bool) -> None:
    async def main() -> None:
        wire = Wire()
        protocol = BoundedProtocol(uvicorn.Config(app, log_config=None), ServerState(), {})
        protocol.connection_made(wire)
        if sent:
            protocol.data_received(sent)
        protocol.note(1_000.0)
        protocol.note(1_000.0 + PATIENCE_S)
        assert not wire.is_ended
        protocol.note(1_001.0 + PATIENCE_S)
        assert wire.is_ended is is_ended
        await asyncio.sleep(0)

    async def app(scope: object, receive: object, send: object) -> None:
        """It never answers."""
        await asyncio.get_running_loop().create_future()

    asyncio.run(main())
