"""What each method of the protocol means here: relayed to one server, made of several, or answered by ourselves."""

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
from msgspec import Raw

from bridge.engine.canonical import write_canonical
from bridge.engine.envelope import read_object, write_object
from bridge.engine.era import LEVELS, SERVER_INFO, Members
from bridge.gateway.call import NO_ARGUMENTS, Noted, call_method, call_tool, relay
from bridge.gateway.door.caller import Caller
from bridge.gateway.door.challenge import refuse_scope
from bridge.gateway.lists import MEMBERS
from bridge.gateway.offers import SUPPORTED, merge_capabilities, merge_instructions
from bridge.gateway.parts import Parts
from bridge.gateway.rates import weigh
from bridge.gateway.refusal import INVALID_PARAMS, METHOD_NOT_FOUND, Refusal
from bridge.gateway.request import Request, read_text
from bridge.gateway.stream import Header
from bridge.sources.connection import Answer

DISCOVER_TTL_MS = 60_000
# Of one era alone; the other does not know them.
LEGACY_ONLY = frozenset({
    "initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe", "roots/list",
})  # fmt: skip
MODERN_ONLY = frozenset({"server/discover", "subscriptions/listen"})
ANY_SCOPE = frozenset({"read", "act"})
ALL_SERVERS = ""  # their rate, of what is asked of them together
EMPTY = Answer(b"{}")


def answer(parts: Parts, request: Request) -> Awaitable[Answer]:
    """In the era of the client. Raises Refusal."""
    if request.method != "tools/call":
        return answer_other(parts, request)
    said = ""
    try:
        said = request.read_text("name")
        upstream, name = parts.offers.resolve(request.server, said, tenant=request.caller.tenant_id)
    except Refusal as refusal:
        return refuse_unfound(parts, request, refusal=refusal, name=said)
    if request.server is None:
        request.change("name", msgspec.json.encode(name))
    return call_tool(parts, request, upstream=upstream, name=name)


async def refuse_unfound(parts: Parts, request: Request, *, refusal: Refusal, name: str) -> Answer:
    """A call of what is not there for its caller costs as any other, and is in the audit. Raises Refusal."""
    arguments = bytes(request.params.get("arguments", NO_ARGUMENTS))
    with Noted(parts, request, None, tool=name, arguments=arguments):
        admit_other(parts, request)
        raise refusal


async def answer_other(parts: Parts, request: Request) -> Answer:
    """Raises Refusal."""
    method = request.method
    if method in CALLS:
        return await answer_call(parts, request)
    admit_other(parts, request)
    if method in MEMBERS:
        return Answer(await parts.offers.write_list(request))
    make = ANSWERS.get(method)
    if make is None or method in (LEGACY_ONLY if request.client.is_modern else MODERN_ONLY):
        return await relay_unknown(parts, request)
    return await make(parts, request)


async def answer_call(parts: Parts, request: Request) -> Answer:
    """What a server is asked for one caller is in the audit as a tool of the method's name. Raises Refusal."""
    make, member = CALLS[request.method]
    said = bytes(request.params.get(member, NO_ARGUMENTS))
    with Noted(parts, request, None, tool=request.method, arguments=said) as noted:
        admit_other(parts, request)
        noted.arguments = write_once(said)
        found = await make(parts, request, noted=noted)
        noted.outcome = "tool_error" if found.is_error else "ok"
    return found


def write_once(text: bytes) -> bytes:
    """In one spelling, where it has one."""
    try:
        return write_canonical(text)
    except ValueError:
        return text


def admit_other(parts: Parts, request: Request) -> None:
    """Raises Refusal."""
    cost = weigh(len(request.raw))
    request.told = admit(parts, request.caller, server=request.server, method=request.method, cost=cost)


def admit(parts: Parts, caller: Caller, *, server: str | None, method: str, cost: float = 1.0) -> tuple[Header, ...]:
    """What is no call of a tool counts as one, and needs either scope. Raises Refusal."""
    if not caller.scopes & ANY_SCOPE:
        raise refuse_scope("read", method)
    known = server if server in parts.fleet.upstreams else None  # who makes names up fills nothing
    return parts.rates.take(caller, known or ALL_SERVERS, cost=cost)


async def relay_unknown(parts: Parts, request: Request) -> Answer:
    """Of an extension, perhaps: one server alone may know it; among several nobody can tell whose it is."""
    is_foreign = request.method in LEGACY_ONLY or request.method in MODERN_ONLY
    if request.server is None or is_foreign:
        raise Refusal("not-found", f"Unknown method: {request.method}", status=404, code=METHOD_NOT_FOUND)
    upstream = parts.offers.find(request.server, request.caller.tenant_id)
    return await call_method(parts, request, upstream=upstream)


async def get_prompt(parts: Parts, request: Request, *, noted: Noted) -> Answer:
    said = request.read_text("name")
    noted.tool += f" {said}"
    upstream, name = parts.offers.resolve(request.server, said, tenant=request.caller.tenant_id)
    noted.server = upstream.server
    if request.server is None:
        request.change("name", msgspec.json.encode(name))
    return await relay(parts, request, upstream=upstream, name=name)


async def read_resource(parts: Parts, request: Request, *, noted: Noted) -> Answer:
    uri = request.read_text("uri")
    noted.tool += f" {uri}"
    upstream = await parts.offers.find_resource(request, uri)
    noted.server = upstream.server
    return await relay(parts, request, upstream=upstream, name=uri)


async def complete(parts: Parts, request: Request, *, noted: Noted) -> Answer:
    """Of an argument of a prompt (by its name) or of a resource template (by its URI)."""
    reference = read_object(bytes(request.params.get("ref", NO_ARGUMENTS)))
    member = next((member for member in ("uri", "name") if member in reference), None)
    if member is None:
        raise Refusal("invalid-params", "params.ref names no prompt and no URI.", status=400, code=INVALID_PARAMS)
    said = read_text(reference[member], f"ref.{member}")
    noted.tool += f" {said}"
    if member == "uri":
        upstream = await parts.offers.find_resource(request, said)
    else:
        upstream, own = parts.offers.resolve(request.server, said, tenant=request.caller.tenant_id)
        if own != said:
            request.change("ref", write_object({**reference, "name": Raw(msgspec.json.encode(own))}))
    noted.server = upstream.server
    return await relay(parts, request, upstream=upstream, name=None)


async def discover(parts: Parts, request: Request) -> Answer:
    connections = await parts.offers.open_connections(request)
    members: Members = {
        "resultType": Raw(b'"complete"'),
        "supportedVersions": Raw(msgspec.json.encode(SUPPORTED)),
        "capabilities": Raw(merge_capabilities(connections, is_modern=True)),
        "_meta": Raw(write_object({SERVER_INFO: Raw(parts.offers.describe(request.server))})),
        "ttlMs": Raw(b"%d" % DISCOVER_TTL_MS),
        "cacheScope": Raw(b'"private"'),
    }
    instructions = merge_instructions(connections)
    if instructions is not None:
        members["instructions"] = Raw(msgspec.json.encode(instructions))
    return Answer(write_object(members))


async def ping(parts: Parts, request: Request) -> Answer:
    return EMPTY


def read_level(request: Request) -> str:
    """Raises Refusal -32602 for a level the protocol does not know."""
    level = request.read_text("level")
    if level not in LEVELS:
        raise Refusal(
            "invalid-params", f"params.level must be one of {', '.join(LEVELS)}.", status=200, code=INVALID_PARAMS
        )
    return level


Make = Callable[[Parts, Request], Awaitable[Answer]]
ANSWERS: dict[str, Make] = {"server/discover": discover, "ping": ping}


class Call(Protocol):
    def __call__(self, parts: Parts, request: Request, *, noted: Noted) -> Awaitable[Answer]: ...


# Asked of one server, and the member whose hash is in the audit.
CALLS: dict[str, tuple[Call, str]] = {
    "prompts/get": (get_prompt, "arguments"),
    "resources/read": (read_resource, "uri"),
    "completion/complete": (complete, "argument"),
}
