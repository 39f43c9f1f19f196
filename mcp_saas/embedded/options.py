"""What may be chosen for a launch: the environment variables of the start contract, read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mcp_saas.embedded.errors import LaunchError

WRONG_OPTION = 2
LARGEST_FLEET = 50
DEFAULT_FLEET = 3
DEFAULT_HOME = "var"


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    home: Path
    port: int
    mcp_port: int
    fleet: int | None  # None: not chosen; a new fleet then has DEFAULT_FLEET boxes
    graph: Path | None


def read_options(environ: Mapping[str, str]) -> LaunchOptions:
    """Raises LaunchError (exit code 2) that names the wrong one. An empty variable is an unset one."""
    graph = environ.get("GRAPH") or None
    if graph and not Path(graph).is_file():
        raise LaunchError(
            f"GRAPH={graph} is not a file: name an `lncli describegraph` file, or leave GRAPH out", WRONG_OPTION
        )
    return LaunchOptions(
        home=Path(environ.get("DAZBOX_HOME") or DEFAULT_HOME),
        port=read_number(environ, "PORT", default=8000, largest=65_535),
        mcp_port=read_number(environ, "MCP_PORT", default=8001, largest=65_535),
        fleet=read_number(environ, "FLEET", default=DEFAULT_FLEET, largest=LARGEST_FLEET)
        if environ.get("FLEET")
        else None,
        graph=Path(graph).resolve() if graph else None,
    )


def read_number(environ: Mapping[str, str], name: str, *, default: int, largest: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= largest):
        raise LaunchError(
            f"{name}={text} is not a whole number from 1 to {largest}: try `make run {name}={default}`", WRONG_OPTION
        )
    return int(text)
