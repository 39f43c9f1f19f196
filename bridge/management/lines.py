"""Servers as lines for a terminal."""

from collections.abc import Iterator
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from bridge.catalogue.models import McpServer
from bridge.engine.merge import Observed
from bridge.engine.observed import ConnectionSeen
from bridge.management.check import Checked
from bridge.manager.log import LogLine
from bridge.selectors.admin_table import NOT_KNOWN, as_instant, name_age, name_bytes
from bridge.selectors.catalogue import is_built_in, tell_silence
from bridge.selectors.tools import is_approved, list_tools
from mcp_saas.kit.terminal import INDENT, lay_row, lay_text

T = TypeVar("T")
HEADER = ("Server", "Should   ", "Is        ", "Tools", " Memory", "Calls", "Errors")


def lay_servers(rows: list[McpServer], seen: dict[str, Observed | None]) -> Iterator[str]:
    yield lay_row(HEADER, HEADER)
    for row in rows:
        yield lay_row((row.name, *_name_state(row, seen[row.name])), HEADER)
    if all(is_built_in(row) for row in rows):
        yield "Nobody has added a server yet: manage.py mcp add, or mcp import."
    for row in rows:
        if is_built_in(row) and seen[row.name] is None:
            yield from lay_text(f"{row.name}: {tell_silence(row)}")
        if number := len(_list_quarantined(row, seen[row.name])):
            waits = count(number, "tool is", several="tools are")
            yield f"{row.name}: {waits} in quarantine and cannot be called: mcp check {row.name}, then mcp approve."


def _name_state(row: McpServer, one: Observed | None) -> tuple[str, ...]:
    should = "built in" if is_built_in(row) else "run" if row.should_run else "stop"
    if one is None:
        return (should, NOT_KNOWN, "", "", "", "")
    tools = "" if one.tools is None else str(one.tools)
    return (should, one.condition.value, tools, name_bytes(one.rss_bytes), str(one.calls), str(one.errors))


def lay_status(row: McpServer, one: Observed | None) -> Iterator[str]:
    should = f"revision {row.revision}, should {'run' if row.should_run else 'be stopped'}"
    yield f"{row.name}: {'built in' if is_built_in(row) else f'{row.kind}, {should}'}"
    if one is None:
        yield from lay_text(tell_silence(row), INDENT)
        return
    waiting = count(one.queued, "call waits", several="calls wait")
    yield f"{INDENT}{one.condition.value}, revision {one.revision} in force, {waiting}, breaker {one.breaker}"
    for view in one.gateways:
        for link in view.seen.connections:
            yield from lay_text(f"{view.instance} {link.key}: {_describe_link(link)}", INDENT)
    if one.last_error:
        yield from lay_text(f"Last error: {one.last_error}", INDENT)
    for tool in _list_quarantined(row, one):
        sha256 = one.seen_pins.get(tool, "")
        yield f"{INDENT}In quarantine: {tool}. Read it: mcp check {row.name}"
        yield f"{INDENT}then: mcp approve {row.name} {tool}={sha256}"


def _list_quarantined(row: McpServer, one: Observed | None) -> list[str]:
    return [tool.name for tool in list_tools(row, one) if tool.state == "quarantined"] if one else []


def _describe_link(link: ConnectionSeen) -> str:
    said = [f"{link.condition.value} for {name_age(link.since)}"]
    said += [f"speaks {link.era}"] if link.era else []
    said += [f"pid {link.pid}"] if link.pid else []
    said += [
        f"{link.in_flight} under way",
        count(link.calls, "call", several="calls"),
        count(link.errors, "error", several="errors"),
    ]
    said += [count(link.restarts, "restart", several="restarts")]
    return ", ".join(said + ([name_bytes(link.rss_bytes)] if link.rss_bytes is not None else []))


class _Info(Struct):
    name: str = ""
    title: str = ""
    version: str = ""


def lay_check(row: McpServer, found: Checked) -> Iterator[str]:
    info = _read_as(found.server_info, _Info)
    yield f"{row.name}: {' '.join(filter(None, (info.title or info.name, info.version)))}"
    yield f"{INDENT}Speaks {found.version}, the {found.era} era."
    abilities = [_describe_ability(name, raw) for name, raw in found.capabilities.items()]
    yield from lay_text(f"Offers {', '.join(abilities) or 'nothing'}.", INDENT)
    yield f"{INDENT}{count(len(found.tools or []), 'tool', several='tools')}"
    for tool in found.tools or []:
        mark = "" if is_approved(row, tool.name, sha256=tool.sha256) else "  not approved"
        yield f"{INDENT}{tool.name}  {tool.sha256}{mark}"
        yield from lay_text(" ".join(tool.description.split()), INDENT * 2)


def _describe_ability(name: str, raw: Raw) -> str:
    """`listChanged` and the like beside what they are of."""
    more = [key for key, value in _read_as(raw, dict[str, Raw]).items() if bytes(value) == b"true"]
    return f"{name} ({', '.join(more)})" if more else name


def _read_as(raw: Raw, kind: type[T]) -> T:
    """What a server wrote in another shape is as good as nothing."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError:
        return kind()


def make_check(row: McpServer, found: Checked) -> str:
    """The same for machines."""
    tools = [
        {**msgspec.structs.asdict(tool), "is_approved": is_approved(row, tool.name, sha256=tool.sha256)}
        for tool in found.tools or []
    ]
    said = {"name": row.name, **msgspec.structs.asdict(found), "tools": tools}
    return msgspec.json.format(msgspec.json.encode(said), indent=2).decode()


def count(number: int, one: str, *, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def lay_line(line: LogLine) -> str:
    at = as_instant(line.at)
    return f"{f'{at:%Y-%m-%d %H:%M:%S}' if at else '':19} {line.pid or '':>7} {line.stream:8} {line.text}"
