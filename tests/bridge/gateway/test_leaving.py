"""A gateway that goes answers the calls it has, whatever carries them."""

import json
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.bridge.gateway.asking import ACCEPT, HELLO, SECONDS, call_text, see
from tests.bridge.gateway.running import WAIT_S, Running, child, running, wait_for

HANG = {"name": "faulty__hang", "arguments": {}}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "progressToken": "p",
}


def write_call(call_id: int = 1, **more: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": call_id, "method": "tools/call", "params": HANG | more}


def call_newer(gateway: Running) -> str:
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "faulty__hang"}
    return httpx.post(
        gateway.url(), json=write_call(_meta=META), headers=ACCEPT | headers, timeout=SECONDS, trust_env=False
    ).text


def call_older(gateway: Running, *, version: str = "2025-11-25", is_array: bool = False) -> str:
    with httpx.Client(headers=ACCEPT, timeout=SECONDS, trust_env=False) as client:
        hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": HELLO | {"protocolVersion": version}}
        session = client.post(gateway.url(), json=hello).headers["mcp-session-id"]
        call = write_call(_meta={"progressToken": "p"})
        return client.post(gateway.url(), json=[call] if is_array else call, headers={"mcp-session-id": session}).text


def call_in_array(gateway: Running) -> str:
    return call_older(gateway, version="2025-03-26", is_array=True)


def open_socket(gateway: Running) -> ClientConnection:
    return connect(gateway.base.replace("http", "ws") + "/mcp/ws")


def call_over_socket(gateway: Running) -> str:
    with open_socket(gateway) as client:
        client.send(json.dumps(write_call()))
        messages = (str(client.recv(timeout=SECONDS)) for _ in range(100))
        return next(message for message in messages if '"id":1' in message)


def stay_idle(gateway: Running) -> int | None:
    """Why it was closed."""
    with open_socket(gateway) as client:
        try:
            while True:
                client.recv(timeout=SECONDS)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd is not None else None


def test_calls_on_streams_and_sockets_are_answered_before_it_goes(tmp_path: Path) -> None:
    ways: tuple[Callable[[Running], str], ...] = (call_newer, call_older, call_in_array, call_over_socket)
    with running(tmp_path, {"faulty": child("faulty.py")}) as gateway, ThreadPoolExecutor(len(ways) + 1) as pool:
        idle = pool.submit(stay_idle, gateway)
        told = [pool.submit(way, gateway) for way in ways]
        wait_for(lambda: see(gateway, "faulty")["in_flight"] == len(ways), what="all calls at the server")
        with httpx.Client(timeout=SECONDS, trust_env=False) as client:
            assert client.get(f"{gateway.base}/mcp/status").status_code == 200  # from now on it is connected
            gateway.process.send_signal(signal.SIGTERM)
            assert idle.result(timeout=WAIT_S) == 1012
            client.post(f"{gateway.base}/mcp/tools/call", json={"name": "faulty__release"})
        assert all("at last" in one.result(timeout=WAIT_S) for one in told)


def test_a_stream_of_news_ends_so_that_its_client_opens_another(tmp_path: Path) -> None:
    with running(tmp_path, {"echo": child("fast_echo.py")}) as gateway, ThreadPoolExecutor(1) as pool:
        call_text(gateway, "echo__echo", text="it runs")
        with httpx.stream("GET", f"{gateway.base}/mcp/events", timeout=SECONDS, trust_env=False) as news:
            reading = pool.submit(news.read)
            gateway.process.send_signal(signal.SIGTERM)
            assert reading.result(timeout=WAIT_S).endswith(b"\n\n")
