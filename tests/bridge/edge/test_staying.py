"""Whoever stays is let in anew all the while: a stream and a WebSocket end with the token they were opened with."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from bridge.gateway.door.staying import Staying
from bridge.gateway.refusal import Refusal
from tests.bridge.edge.issuer import Issuer
from tests.bridge.edge.test_whole import with_issuer
from tests.bridge.gateway.running import Running

CALL = '{"jsonrpc":"2.0","id":%d,"method":"tools/list"}'


def sign_past(issuer: Issuer) -> str:
    """Good for a few seconds more, for clocks that are not quite right."""
    return issuer.sign(iat=time.time() - 100, exp=time.time() - 30 + 8)


def test_a_websocket_calls_nothing_once_its_token_has_ended(tmp_path: Path) -> None:
    def look(gateway: Running, issuer: Issuer) -> None:
        token = sign_past(issuer)
        url = f"{gateway.base.replace('http', 'ws')}/mcp/ws"
        with connect(url, additional_headers={"authorization": f"Bearer {token}"}) as socket:
            socket.send(CALL % 1)
            assert "tools" in socket.recv(timeout=60)
            with pytest.raises(ConnectionClosed) as closed:
                call_until_it_is_closed(socket.send, socket.recv)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008

    with_issuer(tmp_path, look)


def call_until_it_is_closed(send: Callable[[str], None], receive: Callable[..., object]) -> None:
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        send(CALL % 2)
        receive(timeout=60)


def test_a_stream_of_events_ends_with_the_token_it_was_opened_with(tmp_path: Path) -> None:
    def look(gateway: Running, issuer: Issuer) -> None:
        headers = {"authorization": f"Bearer {sign_past(issuer)}"}
        with httpx.stream("GET", f"{gateway.base}/mcp/events", headers=headers, timeout=60, trust_env=False) as stream:
            assert b"condition" in b"".join(stream.iter_raw())  # to its end

    with_issuer(tmp_path, look)


def test_one_who_is_let_in_no_more_is_gone() -> None:
    class Closed:
        async def admit(self, scope: object) -> None:
            raise Refusal("unauthorized", "Closed.", status=401, code=1001)

    async def main() -> None:
        silence = asyncio.get_running_loop().create_future()
        staying = Staying(Closed(), {}, lambda: silence, every_s=0.001)  # type: ignore[arg-type]
        assert await staying.receive() == {"type": "http.disconnect"}
        assert silence.cancelled()

    asyncio.run(main())
