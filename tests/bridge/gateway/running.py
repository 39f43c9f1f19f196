"""The gateway as it is run: a process of its own, its servers from a file, on a port of its own."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from tests.faults.embedded_instance import eventually

ROOT = Path(__file__).parents[3]
CHILDREN = ROOT / "tests/bridge/children"
TENANT = "00000000-0000-0000-0000-000000000001"
WAIT_S = 60.0  # for a state; nothing depends on how soon it comes


def child(script: str, *arguments: str, **more: object) -> dict[str, object]:
    """An entry of mcp.json."""
    return {"command": sys.executable, "args": [str(CHILDREN / script), *arguments], **more}


class Running:
    """`listening`: a copy of its socket, for another gateway beside it."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", listening: socket.socket, environment: dict[str, str]
    ) -> None:
        self.process, self.listening, self.environment = process, listening, environment
        self.base = f"http://127.0.0.1:{listening.getsockname()[1]}"

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
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.set_inheritable(True)
        told = {
            "PATH": os.environ["PATH"],  # noqa: TID251 - a process of its own has an environment of its own
            "MCP_SERVERS_FILE": str(file),
            "MCP_ANONYMOUS": TENANT,
            **environment,
        }
        process = start(listening, told)
        try:
            yield wait_ready(Running(process, listening, told))
        finally:
            process.terminate()
            process.wait(WAIT_S)


def start(listening: socket.socket, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    number = listening.fileno()
    return subprocess.Popen(
        [sys.executable, "-m", "bridge.gateway"],
        cwd=ROOT,
        env=environment | {"MCP_SOCKET_FD": str(number)},
        pass_fds=(number,),
    )


def start_at(first: Running) -> "subprocess.Popen[bytes]":
    """A second gateway at the same socket; it is ready once it has children."""
    process = start(first.listening, first.environment)
    wait_for(lambda: psutil.Process(process.pid).children(), what="the second gateway's server")
    return process


def wait_ready(gateway: Running) -> Running:
    """The socket was open before it was: whoever asks is answered as soon as it can."""
    httpx.get(gateway.url(), timeout=WAIT_S)
    return gateway


def wait_for(is_so: Callable[[], object], *, what: str) -> None:
    """Until `is_so()` is true."""
    assert eventually(lambda: bool(is_so()), seconds=WAIT_S), f"it never came to be: {what}"
