"""The same tools without MCP: plain JSON over POST, one call or an array of them, and an address for each tool."""

import asyncio
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from bridge.engine.envelope import MalformedError, is_batch, read_error, read_object, write_object
from bridge.engine.era import MODERN, NEWEST_LEGACY, Client, Members
from bridge.gateway.compression import compress
from bridge.gateway.exchange import Exchange
from bridge.gateway.http import read_body, send_answer, write_problem
from bridge.gateway.inbound import Inbound
from bridge.gateway.limits import check_batch
from bridge.gateway.methods import answer
from bridge.gateway.openapi import describe_tools
from bridge.gateway.parts import Parts
from bridge.gateway.refusal import INVALID_REQUEST, Refusal
from bridge.gateway.request import Request
from bridge.sources.connection import Answer

CALLER = Client(
    NEWEST_LEGACY, info=b'{"name":"rest","version":"1"}'
)  # its results are free of the protocol's own members
DISCOVERER = Client(MODERN)
TOOL = "/mcp/tools/"
OPENAPI = "/mcp/openapi.json"
AT_ONCE = 16  # calls of one array


class Asked(Struct):
    """One call of /mcp/tools/call. `server` given: `name` is the tool's own name; otherwise server__tool."""

    name: str = ""
    arguments: Raw = Raw(b"{}")
    server: str | None = None


class Place(Struct):
    """The body of /mcp/initialize and /mcp/tools/list."""

    server: str | None = None


class Told(NamedTuple):
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


UNREADABLE = (MalformedError, msgspec.DecodeError)
_read_asked = msgspec.json.Decoder(Asked).decode
_read_place = msgspec.json.Decoder(Place).decode
_read_array = msgspec.json.Decoder(list[Raw]).decode


def takes(path: str) -> bool:
    return path in {"/mcp/initialize", OPENAPI} or path.startswith(TOOL)


async def serve(parts: Parts, inbound: Inbound) -> None:
    """Raises Refusal."""
    try:
        told = await find_answer(parts, inbound)
    except UNREADABLE as error:
        raise to_refusal(error) from None
    body, encoding = await compress(told.body, inbound.headers.get(b"accept-encoding", b""))
    await send_answer(inbound.send, 200, body=body, headers=(*inbound.answer_headers, *told.headers, *encoding))


def to_refusal(error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    return Refusal("invalid-body", f"The body cannot be read: {error}", status=400, code=INVALID_REQUEST)


async def find_answer(parts: Parts, inbound: Inbound) -> Told:
    """Raises Refusal, MalformedError, DecodeError."""
    path, method = inbound.scope["path"], inbound.scope["method"]
    if path == OPENAPI:
        check_method(method, "GET")
        return Told(await describe_tools(parts, make_request(parts, inbound, method="tools/list")))
    check_method(method, "POST")
    body = await read_body(inbound.receive, max_bytes=parts.body_bytes) or b"{}"
    match path:
        case "/mcp/initialize":
            place = _read_place(body)
            request = make_request(parts, inbound, method="server/discover", server=place.server)
            request.client = DISCOVERER
            return Told(clean(await answer(parts, request)))
        case "/mcp/tools/list":
            place = _read_place(body)
            return Told(
                clean(await answer(parts, make_request(parts, inbound, method="tools/list", server=place.server)))
            )
        case "/mcp/tools/call":
            return await (call_all if is_batch(body) else call)(parts, inbound, body=body)
    return await call_by_path(parts, inbound, body=body)


def check_method(method: str, wanted: str) -> None:
    if method != wanted:
        raise Refusal(
            "method-not-allowed", f"Send a {wanted}.", status=405, code=INVALID_REQUEST,
            headers=((b"allow", wanted.encode()),),
        )  # fmt: skip


def clean(told: Answer) -> bytes:
    """The result without members of the protocol's own."""
    members = read_object(told.body)
    return write_object({name: value for name, value in members.items() if name not in {"resultType", "_meta"}})


def make_exchange(parts: Parts, inbound: Inbound) -> Exchange:
    """Of a client that hears nothing but the answer."""
    exchange = Exchange(inbound, request_id=b"null", client=CALLER, streams=parts.streams)
    exchange.accepts_events = False
    return exchange


def make_request(
    parts: Parts,
    inbound: Inbound,
    *,
    method: str,
    params: Members | None = None,
    server: str | None = None,
    exchange: Exchange | None = None,
) -> Request:
    exchange = exchange or make_exchange(parts, inbound)
    return Request(
        inbound.caller, CALLER, method, params or {}, exchange, server,
        timeout_s=inbound.timeout_s, priority=inbound.priority, request_id=inbound.request_id,
    )  # fmt: skip


async def call(parts: Parts, inbound: Inbound, *, body: bytes) -> Told:
    """The result as the protocol has it: what a tool says of its own failure is in it (isError)."""
    asked, exchange = _read_asked(body), make_exchange(parts, inbound)
    params: Members = {"name": Raw(msgspec.json.encode(asked.name)), "arguments": asked.arguments}
    request = make_request(parts, inbound, method="tools/call", params=params, server=asked.server, exchange=exchange)
    parts.watch.begin(exchange)
    try:
        found = await answer(parts, request)
    finally:
        parts.watch.end(exchange)
    if found.is_error:
        raise refuse_error(found)
    return Told(found.body, request.told)


def refuse_error(found: Answer) -> Refusal:
    """What the server refused, in its words."""
    fault = read_error(found.body)
    return Refusal("upstream-error", fault.message, status=502, code=fault.code)


async def call_all(parts: Parts, inbound: Inbound, *, body: bytes) -> Told:
    """Answered item by item, in order: {"result": ...} or {"error": a problem}; one that fails spoils none."""
    items = _read_array(body)
    check_batch(len(items))
    turns = asyncio.Semaphore(AT_ONCE)

    async def answer_item(item: Raw) -> bytes:
        async with turns:
            try:
                return b'{"result":%b}' % (await call(parts, inbound, body=bytes(item))).body
            except (Refusal, *UNREADABLE) as error:
                return b'{"error":%b}' % write_problem(to_refusal(error), request_id=inbound.request_id)

    return Told(b"[%b]" % b",".join(await asyncio.gather(*map(answer_item, items))))


class _Result(Struct, rename="camel"):
    content: Raw = Raw(b"[]")
    structured_content: Raw = Raw()
    is_error: bool = False


class _Text(Struct):
    text: str = ""


async def call_by_path(parts: Parts, inbound: Inbound, *, body: bytes) -> Told:
    """POST /mcp/tools/SERVER/TOOL with the arguments as the body: the tool's structured answer, or its content."""
    server, slash, name = inbound.scope["path"].removeprefix(TOOL).partition("/")
    if not slash or not name:
        raise Refusal("not-found", f"Send a POST to {TOOL}SERVER/TOOL.", status=404, code=INVALID_REQUEST)
    read_object(body)
    told = await call(parts, inbound, body=msgspec.json.encode(Asked(name, Raw(body), server)))
    result = msgspec.json.decode(told.body, type=_Result)
    if result.is_error:
        raise Refusal("tool-error", read_words(result.content), status=422, code=INVALID_REQUEST)
    if result.structured_content:
        return Told(bytes(result.structured_content), told.headers)
    return Told(b'{"content":%b}' % bytes(result.content), told.headers)


def read_words(content: Raw) -> str:
    """What a tool said of its failure."""
    try:
        texts = msgspec.json.decode(content, type=list[_Text])
    except msgspec.DecodeError:
        texts = []
    return "\n".join(text.text for text in texts if text.text) or "The tool failed and did not say why."
