"""Gateways side by side: ours and those of others, each before the same child, asked by the same generator.

The others are installed into var/bench/peers by `make bench` and are no part of ours: mcpo (MIT), Python mcp-proxy
(MIT), supergateway (MIT). Who cannot be installed is left out, and said so.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import psutil

from tests.committed import ROOT
from tests.faults.embedded_instance import eventually
from tests.load.wrk import Call

PEERS = ROOT / "var" / "bench" / "peers"
ECHO = [sys.executable, str(ROOT / "tests" / "bridge" / "children" / "fast_echo.py")]
LEGACY = "2025-06-18"
MODERN = "2026-07-28"
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
MARK = "call/"  # in each text, so in each right answer
NUMBER = "@number@"


@dataclass(frozen=True, slots=True)
class Gateway:
    """`has_session`: a legacy session is opened first, and all clients are in it."""

    name: str
    command: tuple[str, ...]
    path: str
    body: object
    headers: dict[str, str]
    environment: dict[str, str]
    has_session: bool = False


@dataclass(slots=True)
class Running:
    gateway: Gateway
    port: int
    process: psutil.Process
    ready_s: float
    call: Call

    def family(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    def cpu_s(self, *, whole: bool = True) -> float:
        """User and system, of the gateway and all its children, those that ended included; else of itself alone."""
        if not whole:
            own = self.process.cpu_times()
            return own.user + own.system
        total = 0.0
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def rss_mb(self, *, whole: bool = True) -> float:
        return sum(one.memory_info().rss for one in (self.family() if whole else [self.process])) / 2**20


def list_peers() -> list[Gateway]:
    """Those that are installed."""
    tool = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    call = tool | {"params": {"name": "echo", "arguments": {"text": MARK + NUMBER}}}
    session = ACCEPT | {"MCP-Protocol-Version": LEGACY}
    npm, python = PEERS / "npm" / "node_modules" / ".bin", PEERS
    child = " ".join(ECHO)
    peers = [
        Gateway(
            "mcpo", (str(python / "mcpo" / "bin" / "mcpo"), "--port", "PORT", "--host", "127.0.0.1", "--", *ECHO),
            "/echo", {"text": MARK + NUMBER}, {"Content-Type": "application/json"}, {},
        ),
        Gateway(
            "mcp-proxy", (str(python / "mcp-proxy" / "bin" / "mcp-proxy"), "--port", "PORT", "--", *ECHO),
            "/mcp", call, session, {}, has_session=True,
        ),
        Gateway(
            "supergateway",
            (str(npm / "supergateway"), "--stdio", child, "--outputTransport", "streamableHttp", "--stateful",
             "--port", "PORT", "--logLevel", "none"),
            "/mcp", call, session, {}, has_session=True,
        ),
    ]  # fmt: skip
    return [peer for peer in peers if Path(peer.command[0]).exists()]


def describe_ours(folder: Path, *, token: str, environment: dict[str, str]) -> Gateway:
    """With tokens, limits, queue, validation, metrics and audit on."""
    servers = folder / "mcp.json"
    servers.write_text(json.dumps({"mcpServers": {"echo": {"command": ECHO[0], "args": ECHO[1:]}}}), encoding="utf-8")
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "wrk", "version": "4"},
    }
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "echo", "arguments": {"text": MARK + NUMBER}, "_meta": meta},
    }
    headers = ACCEPT | {
        "Authorization": f"Bearer {token}",
        "MCP-Protocol-Version": MODERN,
        "Mcp-Method": "tools/call",
        "Mcp-Name": "echo",
    }
    return Gateway(
        "ours",
        (sys.executable, "-m", "bridge.gateway"),
        "/mcp/servers/echo",
        body,
        headers,
        {"MCP_PORT": "PORT", "MCP_SERVERS_FILE": str(servers), **environment},
    )


@contextmanager
def running(gateway: Gateway, folder: Path) -> Iterator[Running]:
    """It has answered one call when the block begins."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
    command = [part.replace("PORT", str(port)) if part == "PORT" else part for part in gateway.command]
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(folder), "LANG": "C.UTF-8"}
    environment |= {name: str(port) if value == "PORT" else value for name, value in gateway.environment.items()}
    with (folder / f"{gateway.name}.log").open("wb") as log:
        began_s = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            ready, session = _await_answer(gateway, port)
            call = _describe_call(gateway, port, session=session)
            yield Running(gateway, port, psutil.Process(process.pid), ready - began_s, call)
        finally:
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            for one in family:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            process.wait(10)


def _await_answer(gateway: Gateway, port: int) -> tuple[float, dict[str, str]]:
    """When it first answered a call, and the headers of the session."""
    url, headers = f"http://127.0.0.1:{port}{gateway.path}", dict(gateway.headers)

    def ask() -> bool:
        with suppress(httpx.TransportError, KeyError), httpx.Client(trust_env=False, timeout=10) as client:
            if gateway.has_session and "Mcp-Session-Id" not in headers:
                headers["Mcp-Session-Id"] = _open_session(client, url, headers)
            body = json.dumps(gateway.body).replace(NUMBER, "ready")
            answer = client.post(url, content=body, headers=headers)
            return answer.status_code == 200 and "ready" in answer.text
        return False

    assert eventually(ask, seconds=60), f"{gateway.name} does not answer"
    return time.monotonic(), headers


def _open_session(client: httpx.Client, url: str, headers: dict[str, str]) -> str:
    hello = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "wrk", "version": "4"}}
    body = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}
    session = client.post(url, json=body, headers=headers).headers["Mcp-Session-Id"]
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    client.post(url, json=ready, headers=headers | {"Mcp-Session-Id": session})
    return session


def _describe_call(gateway: Gateway, port: int, *, session: dict[str, str]) -> Call:
    before, after = json.dumps(gateway.body, separators=(",", ":")).split(NUMBER)
    return Call(f"http://127.0.0.1:{port}", gateway.path, before, after, MARK, session)


def with_token(call: Call, token: str) -> Call:
    """The same call by somebody else."""
    return replace(call, headers=call.headers | {"Authorization": f"Bearer {token}"})


def find_children(alive: Running) -> list[psutil.Process]:
    """The servers; the warden of all of them is none."""
    return [one for one in alive.process.children() if is_server(one)]


def is_server(process: psutil.Process) -> bool:
    try:
        return ECHO[1] in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
