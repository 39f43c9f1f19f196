"""How the process `knowledge` is started: on a socket of the launcher's, which stays open when the process ends."""

import http.client
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from mcp_saas.embedded.ports import HOST
from mcp_saas.embedded.process import Command
from mcp_saas.embedded.state import PROJECT

SERVICE = "knowledge"
API_KEY = "KNOWLEDGE_API_KEY"


def bind_listener(port: int = 0) -> socket.socket:
    """A loopback address that is ours and refuses connections until somebody listens on it. 0: any free port."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    return listener


def address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


def knowledge_command(
    folder: Path, listener: socket.socket, *, api_key: str, environment: Mapping[str, str], idle_s: float | None
) -> Command:
    """`idle_s`: without a request for so long, it ends; None: never."""
    idle = () if idle_s is None else ("--idle-s", str(idle_s))
    return Command(
        SERVICE,
        (
            sys.executable, "-m", "mcp_saas.embedded.knowledge",
            "--folder", str(folder), "--descriptor", str(listener.fileno()), *idle,
        ),
        PROJECT,
        {**environment, API_KEY: api_key},
        descriptors=(listener.fileno(),),
    )  # fmt: skip


def model_command(environment: Mapping[str, str]) -> Command:
    """Makes the local model where it is not made yet, and gives way to everybody meanwhile."""
    argv = (sys.executable, "-m", "rag.sources.minilm.make", environment["MODEL_CACHE_DIR"])
    return Command("model", argv, PROJECT, environment)


def is_ready(listener: socket.socket) -> bool:
    """True once it answers."""
    host, port = listener.getsockname()
    connection = http.client.HTTPConnection(host, port, timeout=5.0)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
