"""Assistants' files become servers of the catalogue: all of a file or nothing, but for those that lack a value."""

from collections.abc import Mapping

from django.db import transaction
from msgspec import Struct

from bridge.engine.mcp_json import Imported, McpJsonError, read_mcp_json
from bridge.engine.mcp_json_entry import Note
from bridge.engine.placeholder import Lack
from bridge.manager.catalogue import add_server, check_server, replace_server
from bridge.selectors.catalogue import list_rows
from mcp_saas.kit.errors import FieldError, Problem


class Import(Struct, frozen=True):
    """What became of a file. `lacks`: of servers that were left out."""

    added: tuple[str, ...]
    replaced: tuple[str, ...]
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
    """Raises Problem 400 with a pointer into the file, 409 for names that are there unless it `replaces` them."""
    found = _read(content, values)
    lacking = {lack.server for lack in found.lacks}
    servers = [server for server in found.servers if server.name not in lacking]
    there = {row.name for row in list_rows()}
    both = sorted(there & {server.name for server in servers})
    if both and not replaces:
        raise Problem(
            409,
            "name-taken",
            "The name is taken",
            detail=f"In the catalogue already: {', '.join(both)}. To replace them say so (`replaces`, --replace).",
        )
    for server in servers:
        check_server(server)
        if not is_trial:
            (replace_server if server.name in there else add_server)(server, actor=actor)
    added = tuple(server.name for server in servers if server.name not in there)
    return Import(added, tuple(both), found.lacks, found.notes)


def _read(content: str, values: Mapping[str, str]) -> Imported:
    try:
        return read_mcp_json(content, values)
    except McpJsonError as error:
        errors = [FieldError(fault.pointer, fault.code, fault.detail) for fault in error.faults]
        raise Problem(400, "invalid-file", "The file is not valid", detail=str(error), errors=errors) from None
