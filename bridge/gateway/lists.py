"""What servers offer: read page by page, kept for a while, dropped when they say that it changed."""

import asyncio
import time
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from bridge.engine.envelope import put_member, read_error, read_object, write_object
from bridge.engine.era import write_meta
from bridge.engine.server import SEPARATOR
from bridge.engine.tool import Tool, read_tools
from bridge.gateway.fleet.listening import US
from bridge.gateway.fleet.upstream import Upstream
from bridge.gateway.mirrored import find_mirrored
from bridge.gateway.pins import Pins
from bridge.gateway.schema import Schemas
from bridge.sources.connection import Connection, UpstreamError

MEMBERS = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
CAPABILITY = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resources",
}
PREFIXED = frozenset({"tools/list", "prompts/list"})
MOST_PAGES, LIST_S = 100, 20.0
MOST_BYTES = 16 << 20  # of all pages
METHOD_NOT_FOUND = -32601


class Item(NamedTuple):
    """One entry: `key` is its name, or the URI (template) of a resource; `merged` is it among those of all servers."""

    key: str
    raw: bytes
    merged: bytes


class Listed(NamedTuple):
    items: tuple[Item, ...]
    tools: dict[str, Tool]  # of tools/list
    read_at_s: float


class _Named(Struct):
    name: str = ""
    uri: str = ""
    uriTemplate: str = ""  # noqa: N815 - the protocol's name


_read_named = msgspec.json.Decoder(_Named).decode
_read_items = msgspec.json.Decoder(list[Raw]).decode
Key = tuple[str, str, UUID | None]


class Lists:
    """Kept by server, method and, where each tenant has a connection of its own, tenant."""

    def __init__(self, *, pins: Pins, schemas: Schemas) -> None:
        self._pins, self._schemas = pins, schemas
        self._kept: dict[Key, Listed] = {}
        self.mirrored: dict[
            tuple[str, str], dict[tuple[str, ...], str]
        ] = {}  # headers of arguments, by server and tool
        self._reading: dict[Key, asyncio.Task[Listed]] = {}
        self._epochs: dict[str, int] = {}

    def find(self, upstream: Upstream, method: str, tenant: UUID) -> Listed | None:
        """What is kept, be it old."""
        return self._kept.get(make_key(upstream, method, tenant=tenant))

    def find_tool(self, upstream: Upstream, name: str, tenant: UUID) -> Tool | None:
        listed = self._kept.get(make_key(upstream, "tools/list", tenant=tenant))
        return listed.tools.get(name) if listed is not None else None

    def count_tools(self, server: str) -> int | None:
        """None: they were never read."""
        found = [len(listed.tools) for key, listed in self._kept.items() if key[:2] == (server, "tools/list")]
        return max(found, default=None)

    async def read(self, upstream: Upstream, method: str, *, tenant: UUID, session: str | None) -> Listed:
        """Read once for all who ask at the same time. What is old is better than nothing. Raises UpstreamError."""
        key = make_key(upstream, method, tenant=tenant)
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() - kept.read_at_s < upstream.server.caching.lists_ttl_s:
            return kept
        try:
            return await self._share(upstream, key, tenant=tenant, session=session)
        except UpstreamError:
            if kept is not None:
                return kept
            raise

    async def _share(self, upstream: Upstream, key: Key, *, tenant: UUID, session: str | None) -> Listed:
        task = self._reading.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._ask(upstream, key, tenant=tenant, session=session))
            self._reading[key] = task
            task.add_done_callback(lambda done: self._forget_reading(key, done))
        return await asyncio.shield(task)

    def _forget_reading(self, key: Key, task: asyncio.Task[Listed]) -> None:
        self._reading.pop(key, None)
        if not task.cancelled():
            task.exception()  # told to those who waited; nobody may be left

    async def _ask(self, upstream: Upstream, key: Key, *, tenant: UUID, session: str | None) -> Listed:
        slot = await upstream.pick(tenant=tenant, session=session, timeout_s=LIST_S)
        return await self.learn(upstream, await slot.wait(LIST_S), key=key)

    async def learn(self, upstream: Upstream, connection: Connection, *, key: Key) -> Listed:
        """Reads one list from a connection and keeps it."""
        server, method, _ = key
        epoch = self._epochs.get(server, 0)
        raws = await read_pages(connection, method)
        tools: dict[str, Tool] = {}
        if method == "tools/list":
            tools = self._learn_tools(upstream, raws, tenant=key[2])
            raws = [tool.raw for tool in tools.values()]
        listed = Listed(tuple(make_item(raw, method, server=server) for raw in raws), tools, time.monotonic())
        if epoch == self._epochs.get(server, 0):
            self._kept[key] = listed
        return listed

    def _learn_tools(self, upstream: Upstream, raws: list[bytes], *, tenant: UUID | None) -> dict[str, Tool]:
        found, _ = read_tools([Raw(raw) for raw in raws])
        server = upstream.server
        self._schemas.learn(server.name, {tool.name: tool.schema for tool in found}, tenant=tenant)
        for key in [key for key in self.mirrored if key[0] == server.name]:
            del self.mirrored[key]
        mirrored = {(server.name, tool.name): find_mirrored(tool.schema) for tool in found}
        self.mirrored |= {key: headers for key, headers in mirrored.items() if headers}
        return {tool.name: tool for tool in self._pins.learn(server, found, tenant=tenant)}

    def spoil(self, server: str, *, prefix: str = "") -> None:
        """The lists whose method begins so are read anew when they are next asked for; until then the old ones do."""
        self._epochs[server] = self._epochs.get(server, 0) + 1
        for key, listed in tuple(self._kept.items()):
            if key[0] == server and key[1].startswith(prefix):
                self._kept[key] = listed._replace(read_at_s=float("-inf"))

    def forget(self, server: str) -> None:
        self.spoil(server)
        for key in [key for key in self._kept if key[0] == server]:
            del self._kept[key]
        for tool in [tool for tool in self.mirrored if tool[0] == server]:
            del self.mirrored[tool]


def make_key(upstream: Upstream, method: str, *, tenant: UUID) -> Key:
    own = tenant if upstream.server.pool.policy == "per_credential" else None
    return upstream.server.name, method, own


async def read_pages(connection: Connection, method: str) -> list[bytes]:
    """The entries of all pages. A server without the capability has none. Raises UpstreamError."""
    if CAPABILITY[method] not in read_object(connection.capabilities):
        return []
    entries: list[bytes] = []
    cursor: Raw | None = None
    length = 0
    for _ in range(MOST_PAGES):
        answer = await connection.request(method, write_params(connection, cursor), timeout_s=LIST_S)
        if answer.is_error:
            fault = read_error(answer.body)
            if fault.code == METHOD_NOT_FOUND:
                return entries
            raise UpstreamError(f"{method} failed: {fault.message}")
        page = read_object(answer.body)
        entries += [bytes(entry) for entry in _read_items(page.get(MEMBERS[method], Raw(b"[]")))]
        length += len(answer.body)
        if length > MOST_BYTES:
            raise UpstreamError(f"{method} is longer than {MOST_BYTES} bytes")
        cursor = page.get("nextCursor")
        if cursor is None or bytes(cursor) == b"null":
            return entries
    return entries


def write_params(connection: Connection, cursor: Raw | None) -> bytes:
    params: dict[str, Raw] = {}
    if connection.era == "modern":
        params["_meta"] = Raw(write_meta(US))
    if cursor is not None:
        params["cursor"] = cursor
    return write_object(params)


def make_item(raw: bytes, method: str, *, server: str) -> Item:
    named = _read_named(raw)
    if method not in PREFIXED:
        return Item(named.uri or named.uriTemplate, raw, raw)
    merged = put_member(raw, name="name", value=msgspec.json.encode(f"{server}{SEPARATOR}{named.name}"))
    return Item(named.name, raw, merged)
