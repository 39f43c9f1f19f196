"""The gateway as it is run: a process of its own, its servers from a file, on a port of its own."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).parents[3]
CHILDREN = ROOT / "tests/bridge/children"
TENANT = "00000000-0000-0000-0000-000000000001"
WAIT_S = 60.0  # for a state; nothing depends on how soon it comes


def child(script: str, *arguments: str, **more: object) -> dict[str, object]:
    """An entry of mcp.json."""
    return {"command": sys.executable, "args": [str(CHILDREN / script), *arguments], **more}


class Running:
    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process, self.base = process, f"http://127.0.0.1:{port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def url(self, server: str | None = None) -> str:
        return f"{self.base}/mcp/servers/{server}" if server else f"{self.base}/mcp"

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children(recursive=True)


@contextmanager
def running(folder: Path, servers: dict[str, dict[str, object]], **environment: str) -> Iterator[Running]:
    """Ready to be called. Its end leaves no process behind."""
    file = folder / "mcp.json"
    file.write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
    listening = socket.create_server(("127.0.0.1", 0))
    listening.set_inheritable(True)
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge.gateway"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],  # noqa: TID251 - a process of its own has an environment of its own
            "MCP_SERVERS_FILE": str(file),
            "MCP_ANONYMOUS": TENANT,
            "MCP_SOCKET_FD": str(listening.fileno()),
            **environment,
        },
        pass_fds=(listening.fileno(),),
    )
    try:
        port = listening.getsockname()[1]
        listening.close()
        yield wait_ready(Running(process, port))
    finally:
        process.terminate()
        process.wait(WAIT_S)


def wait_ready(gateway: Running) -> Running:
    """The socket was open before it was: whoever asks is answered as soon as it can."""
    httpx.get(gateway.url(), timeout=WAIT_S)
    return gateway


def wait_for(is_so: object, *, what: str) -> None:
    """Until `is_so()` is true."""
    until_s = time.monotonic() + WAIT_S
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < until_s, f"it never came to be: {what}"
        time.sleep(0.02)  # noqa: TID251 - a state of another process
