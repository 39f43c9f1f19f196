"""A server opened once, as the gateway would, to see what it is before anybody calls it."""

import asyncio

import msgspec
from msgspec import Raw, Struct

from bridge.engine.pin import pin_tool
from bridge.engine.server import Server
from bridge.sources.connection import Connection, Line, OnLog, UpstreamError
from bridge.sources.opener import open_connection

MOST_PAGES = 50


class CheckedTool(Struct, frozen=True):
    name: str
    sha256: str
    description: str


class Checked(Struct, frozen=True):
    """What it told. `tools` None: it has none to list."""

    era: str
    version: str
    server_info: Raw
    capabilities: dict[str, Raw]
    tools: list[CheckedTool] | None


class _Tool(Struct):
    name: str
    description: str = ""


class _Page(Struct, rename="camel"):
    tools: list[Raw] = []
    next_cursor: str | None = None


def check_server(server: Server, *, on_log: OnLog) -> Checked:
    """`on_log` takes what it writes beside its messages. Raises UpstreamError."""
    return asyncio.run(_check(server, on_log))


async def _check(server: Server, on_log: OnLog) -> Checked:
    is_closing = False

    def tell(line: Line) -> None:
        if not is_closing:  # that it ends with us is no news
            on_log(line)

    connection = await open_connection(server, secret=None, on_log=tell)
    try:
        able = msgspec.json.decode(connection.capabilities, type=dict[str, Raw])
        tools = await _list_tools(connection, timeout_s=server.limits.timeout_s) if "tools" in able else None
        return Checked(connection.era, connection.version, Raw(connection.server_info), able, tools)
    finally:
        is_closing = True
        await connection.close()


async def _list_tools(connection: Connection, *, timeout_s: float) -> list[CheckedTool]:
    found: list[CheckedTool] = []
    cursor = None
    for _ in range(MOST_PAGES):
        params = msgspec.json.encode({"cursor": cursor} if cursor else {})
        reply = await connection.request("tools/list", params, timeout_s=timeout_s)
        if reply.is_error:
            raise UpstreamError(f"It refuses to list its tools: {reply.body.decode(errors='replace')[:500]}")
        page = msgspec.json.decode(reply.body, type=_Page)
        found += [_read_tool(bytes(raw)) for raw in page.tools]
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


def _read_tool(raw: bytes) -> CheckedTool:
    tool = msgspec.json.decode(raw, type=_Tool)
    return CheckedTool(tool.name, pin_tool(raw), tool.description)
