"""What a test asks a gateway: a tool, its status, a session of the older eras."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

import httpx
import psutil

from tests.bridge.gateway.running import Running

SECONDS = 60.0
ACCEPT = {"accept": "application/json, text/event-stream"}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


def call(gateway: Running, tool: str, *, timeout_s: float | None = None, **arguments: object) -> httpx.Response:
    """`tool`: server__tool."""
    headers = {} if timeout_s is None else {"x-timeout": str(timeout_s)}
    body = {"name": tool, "arguments": arguments}
    return httpx.post(f"{gateway.base}/mcp/tools/call", json=body, headers=headers, timeout=SECONDS, trust_env=False)


def call_text(gateway: Running, tool: str, **arguments: object) -> str:
    told = call(gateway, tool, **arguments)
    assert told.status_code == 200, told.text
    return str(told.json()["content"][0]["text"])


def call_beside(pool: ThreadPoolExecutor, gateway: Running, tool: str, **arguments: object) -> "Future[httpx.Response]":
    return pool.submit(call, gateway, tool, **arguments)


def see(gateway: Running, server: str) -> dict[str, Any]:
    """The server as the status tells of it."""
    told = httpx.get(f"{gateway.base}/mcp/status", timeout=SECONDS, trust_env=False).json()
    found: dict[str, Any] = next(one for one in told["servers"] if one["name"] == server)
    return found


def pids(gateway: Running, server: str) -> list[int]:
    """Of the children that are there now."""
    return [one["pid"] for one in see(gateway, server)["connections"] if one["pid"]]


def is_gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


class OlderClient:
    """A session. `post` answers with the message, `call` with the text of a tool's answer."""

    def __init__(self, gateway: Running, server: str | None, *, base: str | None = None) -> None:
        self.http = httpx.Client(headers=ACCEPT, timeout=SECONDS, trust_env=False)
        self.url = gateway.url(server) if base is None else base
        begun = self.send({"id": 0, "method": "initialize", "params": HELLO})
        self.http.headers["mcp-session-id"] = begun.headers["mcp-session-id"]

    def send(self, message: dict[str, Any]) -> httpx.Response:
        return self.http.post(self.url, json={"jsonrpc": "2.0"} | message)

    def call(self, name: str, *, call_id: Any = 1, **arguments: object) -> str:
        told = self.send({"id": call_id, "method": "tools/call", "params": {"name": name, "arguments": arguments}})
        message = told.json()
        assert message["id"] == call_id
        return str(message["result"]["content"][0]["text"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.leave()

    def leave(self) -> None:
        self.http.delete(self.url)
        self.http.close()
