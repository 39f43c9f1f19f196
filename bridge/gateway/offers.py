"""What a caller is offered: by one server under its own names, or by all of them, tools and prompts as server__name."""

import asyncio
import operator
from collections.abc import Callable, Iterable
from uuid import UUID

import msgspec
from msgspec import Raw

from bridge.engine.envelope import read_object, write_object
from bridge.engine.era import LEGACY, MODERN, SERVER_INFO, Members
from bridge.engine.observed import Condition
from bridge.engine.server import SEPARATOR
from bridge.engine.tool import Tool
from bridge.gateway.door.access import may_reach, may_see
from bridge.gateway.fleet.fleet import Fleet
from bridge.gateway.fleet.upstream import Upstream
from bridge.gateway.http import to_refusal
from bridge.gateway.lists import MEMBERS, Item, Listed, Lists
from bridge.gateway.refusal import INVALID_PARAMS, Refusal
from bridge.gateway.request import Request
from bridge.sources.connection import Connection, UpstreamError
from mcp_saas.kit.version import VERSION

MOST_NAMED = 20  # servers, to one who named another
MERGED_WAIT_S = 3.0  # for a server that starts: the others' lists wait no longer
OUR_INFO = msgspec.json.encode({"name": "dazbox-mcp", "title": "Dazbox MCP gateway", "version": VERSION})
SUPPORTED = (MODERN, *reversed(LEGACY))
HOPELESS = frozenset({Condition.CRASH_LOOP, Condition.BACKOFF, Condition.STOPPED})


class Offers:
    def __init__(self, fleet: Fleet, lists: Lists) -> None:
        self._fleet, self._lists = fleet, lists

    def find(self, name: str, tenant: UUID) -> Upstream:
        """Raises Refusal 404 for a server that is not there, or not for this tenant."""
        upstream = self._fleet.find(name)
        if upstream is None or not may_reach(upstream.server.access, tenant):
            words = f"There is no server {name} for you. There is: {self._name_reached(tenant)}."
            raise Refusal("not-found", words, status=404, code=INVALID_PARAMS)
        return upstream

    def _name_reached(self, tenant: UUID) -> str:
        names = [upstream.server.name for upstream in self.reach(None, tenant)]
        return ", ".join(names[:MOST_NAMED]) + ", ..." * (len(names) > MOST_NAMED) if names else "none yet"

    def reach(self, server: str | None, tenant: UUID) -> list[Upstream]:
        """The server, or all the tenant reaches. Raises Refusal 404."""
        if server is not None:
            return [self.find(server, tenant)]
        return [
            upstream
            for upstream in self._fleet.upstreams.values()
            if upstream.server.should_run and may_reach(upstream.server.access, tenant)
        ]

    def resolve(self, server: str | None, name: str, *, tenant: UUID) -> tuple[Upstream, str]:
        """The server a name belongs to, and the name there. Raises Refusal."""
        if server is not None:
            return self.find(server, tenant), name
        prefix, separator, own = name.partition(SEPARATOR)
        if not separator:
            raise Refusal(
                "not-found",
                f"Unknown: {name}. Here names are written server{SEPARATOR}name.",
                status=200,
                code=INVALID_PARAMS,
            )
        return self.find(prefix, tenant), own

    async def learn_tool(self, upstream: Upstream, name: str, *, request: Request) -> Tool:
        """Of a server whose list was not read yet, or that does not have it. Raises Refusal."""
        listed = await self._read(upstream, "tools/list", request)
        tool = listed.tools.get(name)
        if tool is None:
            raise Refusal("not-found", f"Unknown tool: {name}", status=200, code=INVALID_PARAMS)
        return tool

    async def _read(self, upstream: Upstream, method: str, request: Request) -> Listed:
        try:
            return await self._lists.read(upstream, method, tenant=request.caller.tenant_id, session=request.session)
        except UpstreamError as error:
            raise to_refusal(error) from error

    async def write_list(self, request: Request) -> bytes:
        """The result of a list, of all pages. Raises Refusal."""
        upstreams = self.reach(request.server, request.caller.tenant_id)
        entries: Iterable[bytes]
        if request.server is not None:
            listed = await self._read(upstreams[0], request.method, request)
            entries = [item.raw for item in pick(upstreams[0], request.method, listed=listed)]
            ttl_s = upstreams[0].server.caching.lists_ttl_s
        else:
            entries = await self._merge(upstreams, request)
            ttl_s = min((upstream.server.caching.lists_ttl_s for upstream in upstreams), default=0.0)
        items = b'"%b":[%b]' % (MEMBERS[request.method].encode(), b",".join(entries))
        if not request.client.is_modern:
            return b"{%b}" % items
        return b'{"resultType":"complete",%b,"ttlMs":%d,"cacheScope":"private","_meta":{"%b":%b}}' % (
            items, int(ttl_s * 1000), SERVER_INFO.encode(), self.describe(request.server),
        )  # fmt: skip

    async def _merge(self, upstreams: list[Upstream], request: Request) -> list[bytes]:
        """Of those that answer in time: a server that is down, or slow to start, holds up nobody."""
        found = await asyncio.gather(*(self.read_soon(upstream, request) for upstream in upstreams))
        return [
            item.merged
            for upstream, listed in zip(upstreams, found, strict=True)
            if listed is not None
            for item in pick(upstream, request.method, listed=listed)
        ]

    async def read_soon(self, upstream: Upstream, request: Request) -> Listed | None:
        tenant = request.caller.tenant_id
        if upstream.slots and upstream.condition in HOPELESS:
            return self._lists.find(upstream, request.method, tenant)
        try:
            async with asyncio.timeout(MERGED_WAIT_S):
                return await self._lists.read(upstream, request.method, tenant=tenant, session=request.session)
        except (TimeoutError, UpstreamError):
            return self._lists.find(upstream, request.method, tenant)

    async def find_resource(self, request: Request, uri: str) -> Upstream:
        """The server whose resource it is. Raises Refusal."""
        upstreams = self.reach(request.server, request.caller.tenant_id)
        if request.server is not None:
            return upstreams[0]
        for method in ("resources/list", "resources/templates/list"):
            fits = find_fit(method)
            for upstream in upstreams:
                listed = await self._read_soon_as(upstream, method, request)
                if listed is not None and any(fits(item.key, uri) for item in listed.items):
                    return upstream
        raise Refusal(
            "not-found", f"Resource not found: {uri}", status=200,
            code=INVALID_PARAMS if request.client.is_modern else -32002,
        )  # fmt: skip

    async def _read_soon_as(self, upstream: Upstream, method: str, request: Request) -> Listed | None:
        return await self.read_soon(upstream, msgspec.structs.replace(request, method=method))

    async def open_connections(self, request: Request) -> list[Connection]:
        """One of each server reached, of those that are there in time. Raises Refusal where it is one alone."""
        upstreams = self.reach(request.server, request.caller.tenant_id)
        if request.server is not None:
            try:
                return [await self._open(upstreams[0], request, upstreams[0].server.limits.timeout_s)]
            except UpstreamError as error:
                raise to_refusal(error) from error
        waits = (self._open(upstream, request, MERGED_WAIT_S) for upstream in upstreams if not is_hopeless(upstream))
        found = await asyncio.gather(*waits, return_exceptions=True)
        return [connection for connection in found if not isinstance(connection, BaseException)]

    async def _open(self, upstream: Upstream, request: Request, timeout_s: float) -> Connection:
        slot = upstream.choose(tenant=request.caller.tenant_id, session=request.session)
        return await slot.wait(timeout_s)

    def describe(self, server: str | None) -> bytes:
        """The serverInfo: a server's own where it is one alone."""
        upstream = self._fleet.find(server) if server is not None else None
        if upstream is not None:
            for slot in upstream.slots.values():
                if slot.connection is not None:
                    return slot.connection.server_info
        return OUR_INFO


def is_hopeless(upstream: Upstream) -> bool:
    return bool(upstream.slots) and upstream.condition in HOPELESS


def pick(upstream: Upstream, method: str, *, listed: Listed) -> list[Item]:
    if method != "tools/list":
        return list(listed.items)
    return [item for item in listed.items if may_see(upstream.server.access, item.key)]


def find_fit(method: str) -> Callable[[str, str], bool]:
    """What is listed as a resource is one, and nothing that others' may be made of."""
    return matches if method == "resources/templates/list" else operator.eq


def matches(key: str, uri: str) -> bool:
    """Whether a URI is the one, or may be made of the template."""
    start, brace, rest = key.partition("{")
    if not brace:
        return key == uri
    return uri.startswith(start) and uri.endswith(rest.rpartition("}")[2])


TOLD = {  # as we offer it: changes of lists are always told, of resources as well
    "tools": Raw(b'{"listChanged":true}'),
    "prompts": Raw(b'{"listChanged":true}'),
    "resources": Raw(b'{"listChanged":true,"subscribe":true}'),
    "completions": Raw(b"{}"),
    "logging": Raw(b"{}"),
}


def merge_capabilities(connections: list[Connection], *, is_modern: bool) -> bytes:
    """What all of them can do together. Extensions are one server's affair."""
    found: Members = {} if is_modern else {"logging": TOLD["logging"]}
    for connection in connections:
        for name, value in read_object(connection.capabilities).items():
            if name in TOLD or len(connections) == 1:
                found[name] = TOLD.get(name, value)
    return write_object(found)


def merge_instructions(connections: list[Connection]) -> str | None:
    told = [connection.instructions for connection in connections if connection.instructions]
    return "\n\n".join(told) or None
