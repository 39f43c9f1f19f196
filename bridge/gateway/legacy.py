"""The eras of the handshake (2024-11-05 to 2025-11-25) over HTTP: sessions, a stream for what comes unasked, and
streams that a client which lost them takes up again.
"""

import asyncio
from collections.abc import Callable

import msgspec
from msgspec import Raw, Struct

from bridge.engine.envelope import (
    Envelope,
    MalformedError,
    make_error,
    read_object,
    write_notification,
    write_object,
    write_result,
)
from bridge.engine.era import LEGACY, NEWEST_LEGACY, Client, Members
from bridge.gateway.exchange import LegacyExchange, Outcome
from bridge.gateway.http import retry_headers, send_answer, write_refusal_error
from bridge.gateway.hub import CHANGES, MOST_WATCHED, UPDATED, Listener, refuse_more
from bridge.gateway.inbound import Inbound
from bridge.gateway.methods import admit, admit_other, answer, read_level
from bridge.gateway.offers import merge_capabilities, merge_instructions
from bridge.gateway.parts import Parts
from bridge.gateway.refusal import INVALID_PARAMS, INVALID_REQUEST, Refusal
from bridge.gateway.request import Request, read_params
from bridge.gateway.session import Channel, Session
from bridge.gateway.stream import EventStream, hold
from bridge.sources.connection import Answer, Notice, UpstreamError

SESSION = b"mcp-session-id"
CANCELLED = Outcome(b'{"code":1099,"message":"The call was cancelled."}', is_error=True)
EMPTY = Answer(b"{}")


class _Initialize(Struct, rename="camel"):
    protocol_version: str = NEWEST_LEGACY
    capabilities: Raw = Raw(b"{}")
    client_info: Raw = Raw()


class _Cancelled(Struct, rename="camel"):
    request_id: Raw = Raw()


async def take(parts: Parts, inbound: Inbound, *, envelope: Envelope) -> None:
    """Raises Refusal before the call is made; what goes wrong in it is its answer."""
    if envelope.method == "initialize" and envelope.id:
        await initialize(parts, inbound, envelope=envelope)
        return
    session = find_session(parts, inbound)
    if envelope.is_request:
        exchange = make_exchange(parts, inbound, envelope=envelope, session=session)
        parts.watch.begin(exchange)
        try:
            await serve_request(parts, inbound, envelope=envelope, exchange=exchange)
        finally:
            parts.watch.end(exchange)
        return
    take_other(session, envelope)
    await send_answer(inbound.send, 202, headers=inbound.answer_headers)


def take_other(session: Session, envelope: Envelope) -> None:
    """A notification, or the answer to a question."""
    if envelope.method:
        take_notification(session, envelope)
    elif envelope.id:
        is_error = not envelope.result
        body = bytes(envelope.error if is_error else envelope.result)
        session.take_answer(bytes(envelope.id), body, is_error=is_error)


def find_session(parts: Parts, inbound: Inbound) -> Session:
    """Raises Refusal: 400 without an id, 404 for one that is over, so that the client begins anew."""
    session_id = inbound.headers.get(SESSION)
    if session_id is None:
        parts.offers.reach(inbound.server, inbound.caller.tenant_id)  # what is not there cannot be begun with
        raise Refusal(
            "session-missing", "Begin with initialize, and send the Mcp-Session-Id it answers with.",
            status=400, code=INVALID_REQUEST,
        )  # fmt: skip
    session = parts.sessions.find(session_id.decode("latin-1"), inbound.caller, server=inbound.server)
    if session is None:
        raise Refusal("session-over", "This session is over: initialize anew.", status=404, code=INVALID_REQUEST)
    version = inbound.headers.get(b"mcp-protocol-version")
    if version is not None and version.decode("latin-1") not in LEGACY:
        raise Refusal(
            "version-unknown", f"The version {version.decode('latin-1')} is not this session's.",
            status=400, code=INVALID_REQUEST,
        )  # fmt: skip
    return session


async def initialize(parts: Parts, inbound: Inbound, *, envelope: Envelope) -> None:
    def join(session: Session) -> LegacyExchange:
        return make_exchange(parts, inbound, envelope=envelope, session=session)

    session, result = await begin(parts, inbound, envelope=envelope, join=join)
    headers = (*inbound.answer_headers, (SESSION, session.id.encode()))
    await send_answer(inbound.send, 200, body=write_result(bytes(envelope.id), result), headers=headers)


async def begin(
    parts: Parts, inbound: Inbound, *, envelope: Envelope, join: Callable[[Session], LegacyExchange]
) -> tuple[Session, bytes]:
    """The handshake, whatever carries it: the session, and the result of initialize. Raises Refusal."""
    try:
        asked = msgspec.json.decode(envelope.params or b"{}", type=_Initialize)
    except msgspec.DecodeError as error:
        raise Refusal("invalid-params", f"initialize: {error}", status=400, code=INVALID_PARAMS) from None
    version = asked.protocol_version if asked.protocol_version in LEGACY else NEWEST_LEGACY
    info = bytes(asked.client_info) or None
    client = Client(version, bytes(asked.capabilities), info)
    admit(parts, inbound.caller, server=inbound.server, method="initialize")
    session = parts.sessions.begin(inbound.caller, inbound.server, client=client)
    request = Request(inbound.caller, client, "initialize", {}, join(session), inbound.server, session.key)
    try:
        connections = await parts.offers.open_connections(request)
    except Refusal:
        parts.sessions.end(session)
        raise
    members: Members = {
        "protocolVersion": Raw(msgspec.json.encode(version)),
        "capabilities": Raw(merge_capabilities(connections, is_modern=False)),
        "serverInfo": Raw(parts.offers.describe(inbound.server)),
    }
    instructions = merge_instructions(connections)
    if instructions is not None:
        members["instructions"] = Raw(msgspec.json.encode(instructions))
    return session, write_object(members)


def make_exchange(parts: Parts, inbound: Inbound, *, envelope: Envelope, session: Session) -> LegacyExchange:
    exchange = LegacyExchange(
        inbound, request_id=bytes(envelope.id), client=session.client, streams=parts.streams
    )  # fmt: skip
    exchange.join(session)
    return exchange


async def serve_request(parts: Parts, inbound: Inbound, *, envelope: Envelope, exchange: LegacyExchange) -> None:
    session = exchange.session
    params = read_params(envelope.params)
    request = Request(
        inbound.caller, session.client, envelope.method, params, exchange, inbound.server, session.key,
        timeout_s=inbound.timeout_s, priority=inbound.priority, request_id=inbound.request_id,
        raw=bytes(envelope.params),
    )  # fmt: skip
    session.under_way[exchange.id] = exchange.cancel_by_client
    try:
        await exchange.finish(await find_uncancelled(parts, request, session=session, exchange=exchange))
    finally:
        session.under_way.pop(exchange.id, None)


async def find_uncancelled(parts: Parts, request: Request, *, session: Session, exchange: LegacyExchange) -> Outcome:
    """A client that cancelled its call is told so: its answer is all of an HTTP request, which wants one."""
    try:
        return await find_outcome(parts, request, session=session)
    except asyncio.CancelledError:
        if not exchange.is_cancelled_by_client:
            raise
        return CANCELLED


async def find_outcome(parts: Parts, request: Request, *, session: Session) -> Outcome:
    try:
        make = OWN.get(request.method)
        if make is not None:
            admit_other(parts, request)
        found = await (answer(parts, request) if make is None else make(parts, request, session=session))
        return Outcome(found.body, found.is_error, headers=request.told)
    except Refusal as refusal:
        await parts.tarpit.hold(request.caller.tenant_id, refusal)
        status = refusal.status if refusal.status in {401, 403, 413, 429} else 200
        return Outcome(write_refusal_error(refusal), is_error=True, status=status, headers=retry_headers(refusal))
    except MalformedError as error:
        return Outcome(make_error(error.code, error.message), is_error=True)


def take_notification(session: Session, envelope: Envelope) -> None:
    if envelope.method != "notifications/cancelled":
        return
    try:
        request_id = msgspec.json.decode(envelope.params or b"{}", type=_Cancelled).request_id
    except msgspec.DecodeError:
        return  # the protocol wants it ignored
    cancel = session.under_way.get(bytes(request_id))
    if cancel is not None:
        cancel()


async def set_level(parts: Parts, request: Request, *, session: Session) -> Answer:
    session.set_level(read_level(request))
    return EMPTY


async def subscribe(parts: Parts, request: Request, *, session: Session) -> Answer:
    uri = request.read_text("uri")
    if uri not in session.watched:
        if len(session.watched) >= MOST_WATCHED:
            raise refuse_more(MOST_WATCHED)
        upstream = await parts.offers.find_resource(request, uri)
        try:
            await parts.fleet.watch(upstream, uri, tenant=session.tenant)
        except UpstreamError:
            session.watched[uri] = ()
        else:
            session.watched[uri] = (upstream.server.name,)
        hear(parts, session)
    return EMPTY


async def unsubscribe(parts: Parts, request: Request, *, session: Session) -> Answer:
    uri = request.read_text("uri")
    parts.fleet.unwatch_later(uri, session.watched.pop(uri, ()), tenant=session.tenant)
    hear(parts, session)
    return EMPTY


OWN = {"logging/setLevel": set_level, "resources/subscribe": subscribe, "resources/unsubscribe": unsubscribe}


def hear(parts: Parts, session: Session) -> None:
    """From now on the session is told what it wants to hear."""
    if session.leave is not None:
        session.leave()

    def take(server: str, notice: Notice) -> None:
        params = read_object(notice.params)
        kept = write_object({"uri": params["uri"]}) if notice.method == UPDATED and "uri" in params else b"{}"
        session.general.put(write_notification(notice.method, kept))

    session.leave = parts.hub.join(
        Listener(session.server, session.tenant, take, frozenset(CHANGES), frozenset(session.watched))
    )


async def open_stream(parts: Parts, inbound: Inbound) -> None:
    """GET: the one stream of what comes unasked; or, after Last-Event-ID, the rest of the one that was lost."""
    if not inbound.accepts_events:
        raise Refusal("not-acceptable", "Accept text/event-stream.", status=406, code=INVALID_REQUEST)
    session = find_session(parts, inbound)
    stream = EventStream(inbound.send, headers=inbound.answer_headers)
    channel = take_up(session, stream, last=inbound.headers.get(b"last-event-id"))
    if channel is session.general and session.leave is None:
        hear(parts, session)
    try:
        await hold(stream, inbound.stay(parts.door), streams=parts.streams)
    finally:
        if channel.live is stream:
            channel.live = None


def take_up(session: Session, stream: EventStream, *, last: bytes | None) -> Channel:
    """The channel the stream carries from now on, what was missed first. Raises Refusal 409 for a second stream."""
    channel, missed = session.resume(int(last)) if last is not None and last.isdigit() else (session.general, [])
    if channel.live is not None and channel.live.is_open:
        if last is None:
            raise Refusal("stream-open", "This session has its stream already.", status=409, code=INVALID_REQUEST)
        channel.live.end()
    channel.live = stream
    if session.client.version == NEWEST_LEGACY:
        session.prime(channel)
    for event in missed:
        stream.put(event)
    if channel.is_done:
        stream.end()
    return channel


async def end_session(parts: Parts, inbound: Inbound) -> None:
    parts.sessions.end(find_session(parts, inbound))
    await send_answer(inbound.send, 200, headers=inbound.answer_headers)
