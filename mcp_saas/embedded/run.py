"""A running instance: what its parts get to work with, and what a newcomer gets to go on with."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mcp_saas.embedded.options import DEFAULT_HOME, LaunchOptions
from mcp_saas.embedded.ports import HOST
from mcp_saas.embedded.process import Command
from mcp_saas.embedded.state import PROJECT, StateFolder
from mcp_saas.embedded.supervisor import Supervisor
from mcp_saas.kit.private_file import write_private_file

MANAGE_HINT = 'make manage ARGS="decisions --dazbox PUBKEY"'


@dataclass(frozen=True, slots=True)
class LaunchContext:
    """`environment` holds secrets. `supervisor` starts more children, stopped before everything started earlier."""

    state: StateFolder
    environment: Mapping[str, str] = field(repr=False)
    api_url: str  # http://127.0.0.1:8000/api/v1
    graph: Path | None
    supervisor: Supervisor
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class AdminAccess:
    url: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientAccess:
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DazboxAccess:
    id: str
    pubkey: str
    alias: str
    access: str = field(repr=False)
    refresh: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RunInfo:
    """The start contract's `run.json`. `mcp` is None while nothing serves MCP."""

    api: str
    mcp: str | None
    admin: AdminAccess
    provisioning: ClientAccess
    dazboxes: tuple[DazboxAccess, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """What is run besides the services: `choose` before them, the `preparations` to their end one after the other, then
    `web`, which answers at `api_url`, `worker` and `gateway`, which serves MCP; None: nothing does.
    """

    choose: Callable[[LaunchOptions, Supervisor], None]
    preparations: tuple[Callable[[LaunchContext], Command], ...]
    web: Callable[[LaunchContext], Command]
    worker: Callable[[LaunchContext], Command]
    run_demo: Callable[[LaunchContext], RunInfo]
    gateway: Callable[[LaunchContext], Command] | None = None


def python_command(name: str, *arguments: str, context: LaunchContext) -> Command:
    return Command(name, (sys.executable, *arguments), PROJECT, context.environment)


def mcp_url(environment: Mapping[str, str]) -> str:
    """All MCP servers of the instance, as clients reach them."""
    return f"http://{HOST}:{environment['MCP_PORT']}/mcp"


def run_file(state: StateFolder) -> Path:
    return state.home / "run.json"


def publish_run(state: StateFolder, info: RunInfo) -> None:
    write_private_file(run_file(state), json.dumps(asdict(info), indent=2) + "\n")


def describe_run(state: StateFolder, info: RunInfo) -> str:
    """The same for people, in 80 columns. Boxes' tokens are left to the file."""
    return "\n".join((
        f"  API         {info.api}",
        f"              {info.api}/docs",
        *([f"  MCP         {info.mcp}"] if info.mcp else []),
        f"  Admin       {info.admin.url}",
        f"    {info.admin.username:<10}{info.admin.password}",
        "  Provisioning client",
        f"    {info.provisioning.client_id:<10}{info.provisioning.client_secret}",
        f"  All of it, with the tokens of {len(info.dazboxes)} boxes:",
        f"    {run_file(state)}",
        f"  manage.py   {MANAGE_HINT}",
        *([f"    DAZBOX_HOME={state.home}"] if state.home != PROJECT / DEFAULT_HOME else []),
        "  Ctrl-C stops everything.",
    ))
