"""Where the catalogue comes from: a file in the assistants' own format, or Redis, where the control plane puts it."""

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from bridge.engine.mcp_json import McpJsonError, read_mcp_json
from bridge.engine.server import BuiltIn, Catalogue, Server

BUILTIN = Server("dazbox", BuiltIn())


class CatalogueError(Exception):
    """It cannot be read; the message says what to do."""


def read_file(path: Path, env: Mapping[str, str]) -> Catalogue:
    """Servers that lack a value of theirs are in it, and do not run. Raises CatalogueError."""
    try:
        imported = read_mcp_json(path.read_text(encoding="utf-8"), env)
    except (OSError, UnicodeDecodeError, McpJsonError) as error:
        raise CatalogueError(f"{path} cannot be read: {error}") from error
    return Catalogue(int(path.stat().st_mtime), imported.servers)


def find_change(path: Path, last: int) -> bool:
    try:
        return int(path.stat().st_mtime) != last
    except OSError:
        return False


def add_builtin(catalogue: Catalogue) -> Catalogue:
    """The own tools are there without a word of anybody; a catalogue that names them says how, or that they stop."""
    if any(server.name == BUILTIN.name for server in catalogue.servers):
        return catalogue
    return replace(catalogue, servers=(BUILTIN, *catalogue.servers))
