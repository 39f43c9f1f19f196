"""The stateless era (2026-07-28) over HTTP: each POST says who asks and what that can do, and is answered by itself."""

import asyncio
from collections.abc import Awaitable

import msgspec
from msgspec import Raw

from bridge.engine.envelope import (
    Envelope,
    MalformedError,
    make_error,
    read_error,
    read_object,
    write_notification,
    write_object,
    write_result,
)
from bridge.engine.era import (
    CAPABILITIES,
    CLIENT_INFO,
    HEADER_MISMATCH,
    INTERACTIVE,
    LEVELS,
    LOG_LEVEL,
    MODERN,
    SUBSCRIPTION,
    UNSUPPORTED_VERSION,
    VERSION,
    Client,
    Members,
)
from bridge.gateway.continuation import MARK, ModernExchange, read_responses
from bridge.gateway.exchange import Outcome
from bridge.gateway.http import retry_headers, send_answer, write_refusal_error
from bridge.gateway.hub import CHANGES, MOST_WATCHED, Listener, refuse_more
from bridge.gateway.inbound import Inbound
from bridge.gateway.methods import admit, admit_other, answer
from bridge.gateway.mirrored import decode_header
from bridge.gateway.offers import SUPPORTED
from bridge.gateway.parts import Parts
from bridge.gateway.refusal import INVALID_PARAMS, INVALID_REQUEST, Refusal
from bridge.gateway.request import Request, read_params, read_text
from bridge.gateway.stream import EventStream, hold, write_event
from bridge.sources.connection import Notice, UpstreamError

NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
STATUS = {-32700: 400, -32600: 400, -32602: 400, -32020: 400, -32021: 400, -32022: 400, -32601: 404}
ROUTING = (b"mcp-protocol-version", b"mcp-method", b"mcp-name")
FILTERS = dict(zip(("toolsListChanged", "promptsListChanged", "resourcesListChanged"), CHANGES, strict=True))
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
MOST_CLIENTS, MOST_META_BYTES = 1_000, 4096  # whose `_meta` is remembered
_MODERN = MODERN.encode()
_clients: dict[bytes, Client] = {}  # a client says the same of itself in each request: what it said was good


def refuse(code: int, words: str, *, data: bytes | None = None) -> Refusal:
    return Refusal("invalid-request", words, status=STATUS.get(code, 400), code=code, data=data)


def read_client(inbound: Inbound, envelope: Envelope, *, params: Members) -> Client:
    """Who asks. Raises Refusal for a request whose `_meta` or headers are not as the protocol wants them."""
    raw = bytes(params["_meta"]) if "_meta" in params else b"{}"
    known = _clients.get(raw)
    if known is not None:
        check_headers(inbound, envelope, params=params, version=MODERN)
        return known
    client = read_meta(inbound, envelope, params=params, meta=read_object(raw))
    if len(raw) <= MOST_META_BYTES:
        while len(_clients) >= MOST_CLIENTS:
            del _clients[next(iter(_clients))]
        _clients[raw] = client
    return client


def read_meta(inbound: Inbound, envelope: Envelope, *, params: Members, meta: Members) -> Client:
    """Raises Refusal."""
    lacking = [name for name in (VERSION, CAPABILITIES) if name not in meta]
    if lacking:
        raise refuse(INVALID_PARAMS, f"params._meta lacks {' and '.join(lacking)}.")
    version = read_text(meta[VERSION], VERSION)
    check_headers(inbound, envelope, params=params, version=version)
    if version != MODERN:
        data = msgspec.json.encode({"supported": SUPPORTED, "requested": version})
        raise refuse(UNSUPPORTED_VERSION, f"The version {version} is not supported.", data=data)
    level = read_text(meta[LOG_LEVEL], LOG_LEVEL) if LOG_LEVEL in meta else None
    if level is not None and level not in LEVELS:
        raise refuse(INVALID_PARAMS, f"{LOG_LEVEL} must be one of {', '.join(LEVELS)}.")
    info = bytes(meta[CLIENT_INFO]) if CLIENT_INFO in meta else None
    return Client(version, bytes(meta[CAPABILITIES]), info, level)


def check_headers(inbound: Inbound, envelope: Envelope, *, params: Members, version: str) -> None:
    """What stands in headers, for those on the way, must be what stands in the body. Raises Refusal -32020."""
    headers = inbound.headers
    twin = inbound.find_twin(ROUTING) if len(headers) != len(inbound.scope["headers"]) else None
    if twin is not None:
        raise refuse(HEADER_MISMATCH, f"The header {twin} stands there more than once.")
    named = headers.get(b"mcp-protocol-version")
    if named != (_MODERN if version is MODERN else version.encode()):
        raise refuse(HEADER_MISMATCH, "The header MCP-Protocol-Version is not the version in _meta.")
    if headers.get(b"mcp-method") != envelope.method.encode():
        raise refuse(HEADER_MISMATCH, "The header Mcp-Method is not the method of the body.")
    member = NAMED.get(envelope.method)
    if member is None or member not in params:
        return
    name = headers.get(b"mcp-name")
    if name is None or decode_header(name) != read_text(params[member], member):
        raise refuse(HEADER_MISMATCH, f"The header Mcp-Name is not params.{member}.")


def take(parts: Parts, inbound: Inbound, *, envelope: Envelope) -> Awaitable[None]:
    """One message. Raises Refusal, MalformedError."""
    if envelope.method and envelope.id:
        return serve(parts, inbound, envelope=envelope)
    if envelope.method:
        return send_answer(inbound.send, 202, headers=inbound.answer_headers)
    raise MalformedError(INVALID_REQUEST, "a client of this version sends requests alone")


async def serve(parts: Parts, inbound: Inbound, *, envelope: Envelope) -> None:
    """Raises Refusal before the call is made; what goes wrong in it is its answer."""
    params = read_params(envelope.params)
    client = read_client(inbound, envelope, params=params)
    if envelope.method == "subscriptions/listen":
        await listen(parts, inbound, envelope=envelope, params=params)
        return
    exchange = ModernExchange(
        inbound, request_id=bytes(envelope.id), client=client, streams=parts.streams,
        cancel=None if inbound.wire is None else inbound.wire.task.cancel,
    )  # fmt: skip
    exchange.keep_in(parts.continuations, method=envelope.method, params=params)
    request = Request(
        inbound.caller, client, envelope.method, params, exchange, inbound.server,
        timeout_s=inbound.timeout_s, priority=inbound.priority, request_id=inbound.request_id,
        raw=bytes(envelope.params), headers=inbound.headers, began_s=exchange.began_s,
    )  # fmt: skip
    parts.watch.begin(exchange)
    try:
        await exchange.conclude(await find_outcome(parts, request, exchange=exchange))
    finally:
        parts.watch.end(exchange)


async def find_outcome(parts: Parts, request: Request, *, exchange: ModernExchange) -> Outcome:
    """Of a new call, or of one that waits for what this request brings."""
    try:
        state = find_state(request)
        if state is not None:
            admit_other(parts, request)
            held = parts.continuations.find(state, request.caller, digest=exchange.digest)
            return await held.go_on(exchange, read_responses(request.params))
        found = await answer(parts, request)
        status = 200 if not found.is_error else STATUS.get(read_error(found.body).code, 200)
        return Outcome(found.body, found.is_error, status, request.told)
    except Refusal as refusal:
        await parts.tarpit.hold(request.caller.tenant_id, refusal)
        return to_refused(refusal)
    except MalformedError as error:
        return Outcome(make_error(error.code, error.message), is_error=True, status=400)


def find_state(request: Request) -> str | None:
    """A requestState of ours; a server's own is none of our business."""
    value = request.params.get("requestState")
    if value is None or request.method not in INTERACTIVE or not bytes(value).startswith(b'"' + MARK.encode()):
        return None
    return read_text(value, "requestState")


def to_refused(refusal: Refusal) -> Outcome:
    status = STATUS.get(refusal.code, refusal.status if refusal.status < 500 else 200)
    return Outcome(write_refusal_error(refusal), is_error=True, status=status, headers=retry_headers(refusal))


async def listen(parts: Parts, inbound: Inbound, *, envelope: Envelope, params: Members) -> None:
    """The stream of what servers tell unasked, until the client closes it. Raises Refusal."""
    if not inbound.accepts_events:
        raise Refusal("not-acceptable", "The answer is a stream: accept text/event-stream.", status=406, code=-32600)
    wanted = read_object(bytes(params.get("notifications", Raw(b"{}"))))
    uris = read_uris(wanted)
    admit(parts, inbound.caller, server=inbound.server, method=envelope.method, cost=1 + len(uris))
    tenant = inbound.caller.tenant_id
    parts.offers.reach(inbound.server, tenant)
    subscription = write_object({SUBSCRIPTION: envelope.id})
    stream = EventStream(inbound.send, headers=inbound.answer_headers)

    def take(server: str, notice: Notice) -> None:
        told = {**read_object(notice.params), "_meta": Raw(subscription)}
        stream.put(write_event(write_notification(notice.method, write_object(told))))

    methods = frozenset(FILTERS[name] for name, value in wanted.items() if name in FILTERS and bytes(value) == b"true")
    honoured = {name: value for name, value in wanted.items() if name in FILTERS or name == "resourceSubscriptions"}
    take("", Notice(ACKNOWLEDGED, write_object({"notifications": Raw(write_object(honoured))})))
    watched = await watch_all(parts, inbound, uris=uris)
    leave = parts.hub.join(Listener(inbound.server, tenant, take, methods, frozenset(uris)))
    try:
        await hold(stream, inbound.stay(parts.door), streams=parts.streams, last=lambda: write_event(
            write_result(bytes(envelope.id), b'{"resultType":"complete","_meta":%b}' % subscription)
        ))  # fmt: skip
    finally:
        leave()
        for uri, servers in watched.items():
            parts.fleet.unwatch_later(uri, servers, tenant=tenant)


def read_uris(wanted: Members) -> list[str]:
    """Raises Refusal."""
    try:
        uris = msgspec.json.decode(wanted.get("resourceSubscriptions", Raw(b"[]")), type=list[str])
    except msgspec.DecodeError:
        raise refuse(INVALID_PARAMS, "notifications.resourceSubscriptions must be a list of URIs.") from None
    if len(uris) > MOST_WATCHED:
        raise refuse_more(MOST_WATCHED)
    return list(dict.fromkeys(uris))


async def watch_all(parts: Parts, inbound: Inbound, *, uris: list[str]) -> dict[str, tuple[str, ...]]:
    """The servers that were asked to tell, by URI: all the caller reaches, whose the resource is not known for sure."""
    upstreams = parts.offers.reach(inbound.server, inbound.caller.tenant_id)
    watched: dict[str, tuple[str, ...]] = {}
    for uri in uris:
        waits = (parts.fleet.watch(upstream, uri, tenant=inbound.caller.tenant_id) for upstream in upstreams)
        found = await asyncio.gather(*waits, return_exceptions=True)
        watched[uri] = tuple(
            upstream.server.name
            for upstream, failed in zip(upstreams, found, strict=True)
            if not isinstance(failed, UpstreamError)
        )
    return watched
