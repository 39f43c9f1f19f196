"""The files in which assistants and editors name their MCP servers, read as they are.

Known: `mcpServers` (Claude Desktop and Code, Cursor, Windsurf, LM Studio, Cline, Gemini CLI; as a list: Continue),
`servers` with `inputs` (VS Code; also below `mcp`), `context_servers` (Zed), `mcp` (opencode), and one server or a map
of them without any of these around. Whatever is not taken over is noted; nothing is dropped without a word.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, structs

from bridge.engine.faults import find_faults
from bridge.engine.jsonc import JsonFault, read_jsonc
from bridge.engine.mcp_json_entry import Entry, Note, escape
from bridge.engine.mcp_json_server import read_entry
from bridge.engine.naming import make_valid
from bridge.engine.placeholder import Filler, Input, Lack
from bridge.engine.server import Server
from mcp_saas.kit.errors import FieldError as Fault

LARGEST = 1 << 20  # characters of a file
MOST = 500  # servers in it
_ROOMS = (  # where a file keeps its servers, from the most usual on
    ("mcpServers",),
    ("servers",),
    ("mcp", "servers"),
    ("context_servers",),
    ("amp.mcpServers",),
    ("customizations", "vscode", "mcp", "servers"),
    ("experimental", "modelContextProtocolServers"),
    ("mcp",),
)
_MARKS = {"command", "url", "serverUrl", "httpUrl"}  # of a server without a room around it


class Imported(Struct, frozen=True):
    """`servers` that lack a value do not run until they have it; their placeholders stand as they were written."""

    servers: tuple[Server, ...]
    lacks: tuple[Lack, ...] = ()
    notes: tuple[Note, ...] = ()


class McpJsonError(ValueError):
    """The file cannot be taken; all that is wrong with it, each with a JSON pointer into it ("" is the whole)."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{fault.pointer or 'the file'}: {fault.detail}" for fault in faults))
        self.faults = faults


def read_mcp_json(text: str, env: Mapping[str, str]) -> Imported:
    """`env`: values for placeholders, by the name of a variable or of an input. Raises McpJsonError."""
    document = _parse(text)
    rooms = list(_find_rooms(document))
    if not rooms:
        raise McpJsonError(_whole('no servers are named here: give {"mcpServers": {"name": {"command": ...}}}'))
    inputs = _read_inputs(document)
    named = [found for pointer, room in rooms for found in _walk(pointer, room)]
    if len(named) > MOST:
        raise McpJsonError(_whole(f"{len(named)} servers are more than one file may hold: {MOST}"))
    return _read_all(named, env=env, inputs=inputs, others=_name_others(document, rooms))


def _parse(text: str) -> dict[str, Any]:
    if len(text) > LARGEST:
        raise McpJsonError(_whole(f"it is longer than {LARGEST} characters"))
    try:
        document = read_jsonc(text)
    except JsonFault as error:
        raise McpJsonError(_whole(f"it is no JSON: {error}")) from None
    if not isinstance(document, dict):
        raise McpJsonError(_whole("an object is wanted: {...}"))
    return document


def _find_rooms(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each room with its pointer. `mcp` counts only when it holds servers: other programs keep settings there."""
    found = 0
    for path in _ROOMS:
        room = _descend(document, path)
        if room is not None and (path != ("mcp",) or _is_map_of_servers(room)):
            found += 1
            yield "".join(f"/{escape(part)}" for part in path), room
    if not found and document.keys() & _MARKS:
        yield "", [{"name": "server", **document}]
    elif not found and _is_map_of_servers(document):
        yield "", document


def _descend(document: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        document = document.get(part) if isinstance(document, dict) else None
    return document


def _is_map_of_servers(room: Any) -> bool:
    return (
        isinstance(room, dict)
        and bool(room)
        and all(isinstance(entry, dict) and entry.keys() & _MARKS for entry in room.values())
    )


def _walk(pointer: str, room: Any) -> Iterator[tuple[str, str, Any]]:
    """Pointer, name and entry of each server, from a map of them or a list whose entries have names."""
    if isinstance(room, dict):
        yield from ((f"{pointer}/{escape(name)}", name, entry) for name, entry in room.items())
    elif isinstance(room, list):
        for number, entry in enumerate(room):
            name = entry.get("name") if isinstance(entry, dict) else None
            at = f"{pointer}/{number}" if pointer or len(room) > 1 else ""
            yield at, name if isinstance(name, str) else f"server-{number + 1}", entry
    else:
        raise McpJsonError(Fault(pointer, "invalid", "servers are named in an object: {name: {...}}"))


def _read_inputs(document: dict[str, Any]) -> dict[str, Input]:
    listed = document.get("inputs", _descend(document, ("mcp", "inputs"))) or []
    found = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    texts = [{key: value for key, value in entry.items() if isinstance(value, str)} for entry in found]
    return {
        entry["id"]: Input(entry["id"], entry.get("description"), entry.get("default"))
        for entry in texts
        if "id" in entry
    }


def _name_others(document: dict[str, Any], rooms: list[tuple[str, Any]]) -> list[Note]:
    """One note for all that stands beside the servers."""
    read = {pointer.split("/")[1] for pointer, _ in rooms if pointer} | {"inputs", "$schema"}
    others = [name for name in document if name.replace("/", "~1") not in read] if all(at for at, _ in rooms) else []
    return [Note("", f"not taken over, it names no server: {', '.join(others)}")] if others else []


def _read_all(
    named: list[tuple[str, str, Any]], *, env: Mapping[str, str], inputs: Mapping[str, Input], others: list[Note]
) -> Imported:
    faults: list[Fault] = []
    servers: dict[str, Server] = {}
    lacks: list[Lack] = []
    notes = list(others)
    for pointer, written, raw in named:
        name = make_valid(written, taken=servers.keys())
        filler = Filler(name, env=env, inputs=inputs)
        entry = Entry(pointer, raw, filler=filler)
        if entry.is_extension:
            notes.append(Note(pointer, "not taken over: an editor's extension starts it, and there is no editor here"))
            continue
        if not isinstance(raw, dict):
            faults.append(Fault(pointer, "invalid", "a server is an object: {...}"))
            continue
        server = read_entry(entry, name)
        faults += entry.faults or ([] if filler.lacks else _check(pointer, server))
        notes += [Note(pointer, f"named {name} here")] * (name != written)
        notes += entry.notes
        lacks += filler.lacks
        servers[name] = structs.replace(server, should_run=False) if filler.lacks else server
    if faults:
        raise McpJsonError(*faults)
    return Imported(tuple(servers.values()), tuple(lacks), tuple(notes))


def _check(pointer: str, server: Server) -> list[Fault]:
    """The faults of a server at the place in the file it came from; of its fields the names are told."""
    return [Fault(pointer, fault.code, f"{fault.pointer.lstrip('/')}: {fault.detail}") for fault in find_faults(server)]


def _whole(detail: str) -> Fault:
    return Fault("", "invalid", detail)
