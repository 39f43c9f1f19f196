"""Assistants' files become servers of the catalogue: all of a file or nothing, but for those that lack a value, and
those that are there already.
"""

from collections.abc import Mapping

from django.db import transaction
from msgspec import Struct, structs

from bridge.engine.mcp_json import Imported, McpJsonError, read_mcp_json
from bridge.engine.mcp_json_entry import Note
from bridge.engine.placeholder import Lack
from bridge.engine.server import Server
from bridge.manager.catalogue import add_server, check_server, replace_server
from bridge.selectors.catalogue import list_rows, read_server
from mcp_saas.kit.crypto import SealError
from mcp_saas.kit.errors import FieldError, Problem

COMPARED = ("transport", "should_run", "pool", "limits", "caching", "access", "pins")


class Kept(Struct, frozen=True):
    """A server that is there with other settings, and was left as it is. `differs`: in which of them."""

    name: str
    differs: tuple[str, ...]


class Import(Struct, frozen=True):
    """What became of a file. `unchanged`: there as the file has them. `lacks`: of servers that were left out."""

    added: tuple[str, ...]
    replaced: tuple[str, ...]
    unchanged: tuple[str, ...]
    kept: tuple[Kept, ...]
    lacks: tuple[Lack, ...]
    notes: tuple[Note, ...]


@transaction.atomic
def import_servers(
    content: str,
    values: Mapping[str, str],
    *,
    actor: str,
    replaces: bool = False,
    is_trial: bool = False,
) -> Import:
    """A name that is there with other settings stays as it is unless it `replaces` them. Raises Problem 400."""
    found = _read(content, values)
    lacking = {lack.server for lack in found.lacks}
    servers = [server for server in found.servers if server.name not in lacking]
    differs = _compare(servers)
    added = tuple(server.name for server in servers if server.name not in differs)
    changed = tuple(name for name, names in differs.items() if names)
    wanted = [server for server in servers if server.name in added or (replaces and server.name in changed)]
    _check_all(wanted)
    for server in [] if is_trial else wanted:
        (add_server if server.name in added else replace_server)(server, actor=actor)
    return Import(
        added,
        replaced=changed if replaces else (),
        unchanged=tuple(name for name, names in differs.items() if not names),
        kept=() if replaces else tuple(Kept(name, differs[name]) for name in changed),
        lacks=found.lacks,
        notes=found.notes,
    )


def _compare(servers: list[Server]) -> dict[str, tuple[str, ...]]:
    """Of those that are in the catalogue, the settings in which they differ."""
    rows = {row.name: row for row in list_rows()}
    differs = {}
    for server in servers:
        if server.name not in rows:
            continue
        try:
            there = read_server(rows[server.name])
        except SealError:  # what cannot be opened is not the same
            there = structs.replace(server, transport=None)
        names = COMPARED if server.pins is not None else COMPARED[:-1]  # a file without pins leaves what was approved
        differs[server.name] = tuple(name for name in names if getattr(there, name) != getattr(server, name))
    return differs


def _check_all(servers: list[Server]) -> None:
    """Raises Problem 400 that names each server beside what is wrong with it."""
    faults: list[FieldError] = []
    for server in servers:
        try:
            check_server(server)
        except Problem as problem:
            faults += [
                FieldError(fault.pointer, fault.code, f"{server.name}: {fault.detail}") for fault in problem.errors
            ]
    if faults:
        words = "; ".join(f"{fault.detail} ({fault.pointer})" for fault in faults)
        raise Problem(400, "invalid-file", "The file is not valid", detail=words, errors=faults)


def _read(content: str, values: Mapping[str, str]) -> Imported:
    try:
        return read_mcp_json(content, values)
    except McpJsonError as error:
        errors = [FieldError(fault.pointer, fault.code, fault.detail) for fault in error.faults]
        raise Problem(400, "invalid-file", "The file is not valid", detail=str(error), errors=errors) from None
