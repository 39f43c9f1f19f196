"""Who may open a WebSocket, and for how long: browsers bring their token among the protocols."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.bridge.edge.issuer import AUDIENCE, ISSUER, Issuer, serve
from tests.bridge.gateway.running import Running, child, running

PAGE = "https://app.example"


def with_gateway(folder: Path, look: Callable[[Running, Issuer], None]) -> None:
    def run(issuer: Issuer) -> None:
        environment = {
            "JWKS_URL": issuer.url, "JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE, "MCP_ANONYMOUS": "",
            "MCP_ALLOWED_ORIGINS": PAGE,
        }  # fmt: skip
        with running(folder, {"echo": child("fast_echo.py")}, **environment) as gateway:
            look(gateway, issuer)

    async def main() -> None:
        async with serve() as issuer:
            await asyncio.to_thread(run, issuer)

    asyncio.run(main())


def open_socket(gateway: Running, *protocols: str, **options: Any) -> ClientConnection:
    return connect(
        gateway.base.replace("http", "ws") + "/mcp/ws", subprotocols=protocols, proxy=None, open_timeout=60, **options
    )  # type: ignore[arg-type]


def call(socket: ClientConnection, text: str) -> dict[str, Any]:
    params = {"name": "echo__echo", "arguments": {"text": text}}
    socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}))
    messages = (json.loads(socket.recv(timeout=60)) for _ in range(100))
    return next(message for message in messages if "id" in message)


def test_a_page_brings_its_token_among_the_protocols(tmp_path: Path) -> None:
    def look(gateway: Running, issuer: Issuer) -> None:
        with open_socket(gateway, "mcp", f"bearer.{issuer.sign()}", origin=PAGE) as socket:
            assert socket.subprotocol == "mcp"  # and never the token
            assert call(socket, "hello")["result"]["content"][0]["text"] == "hello"

    with_gateway(tmp_path, look)


def knock(gateway: Running, *protocols: str, origin: str) -> int:
    """The status a handshake is answered with."""
    headers = {
        "connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13", "origin": origin,
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==", "sec-websocket-protocol": ", ".join(protocols),
    }  # fmt: skip
    return httpx.get(f"{gateway.base}/mcp/ws", headers=headers, timeout=60, trust_env=False).status_code


def test_of_two_headers_that_say_who_opens_it_neither_counts(tmp_path: Path) -> None:
    def look(gateway: Running, issuer: Issuer) -> None:
        good = ("authorization", f"Bearer {issuer.sign()}")
        with open_socket(gateway, "mcp", additional_headers=[good]) as socket:
            assert call(socket, "hello")["result"]["content"][0]["text"] == "hello"
        two = [good, ("Authorization", f"Bearer {issuer.sign()}")]
        with pytest.raises(InvalidStatus) as refused, open_socket(gateway, "mcp", additional_headers=two):
            pass
        assert refused.value.response.status_code == 403

    with_gateway(tmp_path, look)


def test_no_other_page_and_no_bad_token_comes_in(tmp_path: Path) -> None:
    def look(gateway: Running, issuer: Issuer) -> None:
        good = f"bearer.{issuer.sign()}"
        assert knock(gateway, "mcp", good, origin="https://evil.example") == 403
        for protocols in (("mcp", "bearer.nonsense"), ("mcp", f"bearer.{issuer.sign(exp=1)}"), ("mcp",)):
            assert knock(gateway, *protocols, origin=PAGE) == 403

    with_gateway(tmp_path, look)
