"""An OpenAPI 3.1 document made of the tools' own schemas: an operation for each tool the caller may see."""

import asyncio

import msgspec
from msgspec import Raw, Struct

from bridge.engine.envelope import read_object, write_object
from bridge.gateway.door.access import may_see
from bridge.gateway.fleet.upstream import Upstream
from bridge.gateway.lists import Item
from bridge.gateway.parts import Parts
from bridge.gateway.request import Request
from mcp_saas.kit.version import VERSION

PROBLEM = {
    "description": "A refusal, or what the tool says of its failure (422), as RFC 9457 has it",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "detail": {"type": "string"}, "instance": {"type": "string"},
    },
}  # fmt: skip
CONTENT = Raw(b'{"type":"object","properties":{"content":{"type":"array","items":{"type":"object"}}}}')


class _Shown(Struct, rename="camel"):
    name: str
    title: str | None = None
    description: str = ""
    input_schema: Raw = Raw(b'{"type":"object"}')
    output_schema: Raw = Raw()


_read_shown = msgspec.json.Decoder(_Shown).decode


async def describe_tools(parts: Parts, request: Request) -> bytes:
    """As JSON. Servers that do not answer in time are not in it."""
    upstreams = parts.offers.reach(None, request.caller.tenant_id)
    found = await asyncio.gather(*(parts.offers.read_soon(upstream, request) for upstream in upstreams))
    paths = {
        f"/mcp/tools/{upstream.server.name}/{item.key}": describe(upstream, item)
        for upstream, listed in zip(upstreams, found, strict=True)
        if listed is not None
        for item in listed.items
        if may_see(upstream.server.access, item.key)
    }
    return msgspec.json.encode({
        "openapi": "3.1.0",
        "info": {"title": "MCP tools", "version": VERSION},
        "paths": paths,
        "security": [{"bearer": []}],
        "components": {
            "schemas": {"Problem": PROBLEM_SCHEMA},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    })  # fmt: skip


def describe(upstream: Upstream, item: Item) -> dict[str, object]:
    shown, server = _read_shown(item.raw), upstream.server.name
    place = f"/mcp/tools/{server}/{shown.name}"
    output = identify(shown.output_schema, f"{place}/output") if shown.output_schema else CONTENT
    return {
        "post": {
            "operationId": f"{server}__{shown.name}",
            "tags": [server],
            "summary": shown.title or shown.name,
            "description": shown.description,
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": identify(shown.input_schema, f"{place}/input")}},
            },
            "responses": {
                "200": {"description": "What the tool answers", "content": {"application/json": {"schema": output}}},
                "default": PROBLEM,
            },
        }
    }


def identify(schema: Raw, place: str) -> Raw:
    """With an `$id` of its own, so that its references stay within it."""
    return Raw(write_object({"$id": Raw(msgspec.json.encode(place)), **read_object(bytes(schema))}))
