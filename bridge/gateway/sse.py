"""HTTP+SSE, the transport of 2024-11-05, for clients that speak nothing newer.

GET  /mcp/sse, /mcp/servers/NAME/sse             a stream; its first event, `endpoint`, says where messages go
POST /mcp/messages?session_id=..., and the same  one message, taken with 202; its answer comes on the stream
     below /mcp/servers/NAME
"""

import re
from urllib.parse import parse_qs, quote

import structlog

from bridge.engine.envelope import Envelope, MalformedError, make_error, write_error, write_result
from bridge.gateway import legacy
from bridge.gateway.http import read_body, send_answer, write_refusal_error
from bridge.gateway.inbound import Inbound
from bridge.gateway.limits import check_shape
from bridge.gateway.line import AT_ONCE, Line, LineExchange
from bridge.gateway.native import BODY_BYTES, read_one, refuse_message
from bridge.gateway.parts import Parts
from bridge.gateway.refusal import CODES, INTERNAL, INVALID_REQUEST, Refusal
from bridge.gateway.session import Session
from bridge.gateway.stream import Streams, hold

_PATH = re.compile(r"/mcp(?:/servers/([^/]+))?/(sse|messages)")
METHODS = {"sse": "GET", "messages": "POST"}
UNFORESEEN = make_error(INTERNAL, "Something went wrong here: it is in our log.")
log = structlog.get_logger(__name__)


def takes(path: str) -> bool:
    return _PATH.fullmatch(path) is not None


async def serve(parts: Parts, inbound: Inbound) -> None:
    """Raises Refusal."""
    found = _PATH.fullmatch(inbound.scope["path"])
    inbound.server, room = found.groups() if found is not None else (None, "sse")
    if inbound.scope["method"] != METHODS[room]:
        raise Refusal(
            "method-not-allowed", f"Send a {METHODS[room]}.", status=405, code=INVALID_REQUEST,
            headers=((b"allow", METHODS[room].encode()),),
        )  # fmt: skip
    await (open_line(parts, inbound) if room == "sse" else take_message(parts, inbound))


async def open_line(parts: Parts, inbound: Inbound) -> None:
    """Until the client goes away. Raises Refusal."""
    parts.offers.reach(inbound.server, inbound.caller.tenant_id)
    line = parts.lines.open(inbound)
    line.stream.put(b"event: endpoint\ndata: %b\n\n" % write_endpoint(inbound, line).encode())
    try:
        await hold(line.stream, inbound.stay(parts.door), streams=parts.lines.streams)
    finally:
        parts.lines.close(line)
        if line.session is not None:
            parts.sessions.end(line.session)


def write_endpoint(inbound: Inbound, line: Line) -> str:
    """A path, so that whatever name or scheme the client came by stays."""
    return f"{quote(inbound.scope['path'].removesuffix('/sse'))}/messages?session_id={line.id}"


async def take_message(parts: Parts, inbound: Inbound) -> None:
    """Raises Refusal: 404 for a line that is not there, or another's; 429 for one that has too much under way."""
    asked = parse_qs(inbound.scope["query_string"].decode("latin-1")).get("session_id", [""])
    line = parts.lines.find(asked[0], inbound.caller, server=inbound.server)
    if line is None:
        raise Refusal("session-over", "There is no such stream: open one anew.", status=404, code=INVALID_REQUEST)
    body = await read_body(inbound.receive, max_bytes=BODY_BYTES)
    check_shape(body)
    try:
        envelope = read_one(body)
    except MalformedError as error:
        await refuse_message(inbound, error, request_id=b"null")
        return
    if line.is_full:
        raise Refusal(
            "too-many", f"{AT_ONCE} messages of this stream are not answered yet.",
            status=429, code=CODES["too-many"], retry_after_s=1.0,
        )  # fmt: skip
    line.run(take(parts, inbound, envelope=envelope, line=line))
    await send_answer(inbound.send, 202, headers=inbound.answer_headers)


async def take(parts: Parts, inbound: Inbound, *, envelope: Envelope, line: Line) -> None:
    """One message, behind its POST: whatever becomes of it is told on the line."""
    try:
        await answer(parts, inbound, envelope=envelope, line=line)
    except Refusal as refusal:
        parts.metrics.note_refusal(refusal.kind)
        await parts.tarpit.hold(inbound.caller.tenant_id, refusal)
        tell_error(line, envelope, error=write_refusal_error(refusal))
    except MalformedError as error:
        tell_error(line, envelope, error=make_error(error.code, error.message))
    except Exception:  # a fault of ours: the caller is answered all the same
        log.exception("call_failed", path=inbound.scope["path"])
        tell_error(line, envelope, error=UNFORESEEN)


def tell_error(line: Line, envelope: Envelope, *, error: bytes) -> None:
    if envelope.is_request:
        line.put(write_error(bytes(envelope.id), error))


async def answer(parts: Parts, inbound: Inbound, *, envelope: Envelope, line: Line) -> None:
    """Raises Refusal, MalformedError."""
    session = line.session
    if envelope.method == "initialize" and envelope.is_request:
        await begin(parts, inbound, envelope=envelope, line=line)
    elif envelope.method == "ping" and envelope.is_request:
        line.put(write_result(bytes(envelope.id), b"{}"))
    elif session is None:
        raise Refusal("session-missing", "Begin with initialize.", status=400, code=INVALID_REQUEST)
    elif envelope.is_request:
        exchange = join(inbound, envelope, session=session, streams=parts.lines.streams)
        await legacy.serve_request(parts, inbound, envelope=envelope, exchange=exchange)
    else:
        legacy.take_other(session, envelope)


async def begin(parts: Parts, inbound: Inbound, *, envelope: Envelope, line: Line) -> None:
    """The handshake. Raises Refusal for a second one."""
    if line.session is not None:
        raise Refusal("session-begun", "This stream has its session already.", status=400, code=INVALID_REQUEST)

    def enter(session: Session) -> LineExchange:
        line.join(session)
        return join(inbound, envelope, session=session, streams=parts.lines.streams)

    try:
        session, result = await legacy.begin(parts, inbound, envelope=envelope, join=enter)
    except Refusal:
        line.session = None
        raise
    legacy.hear(parts, session)
    line.put(write_result(bytes(envelope.id), result))


def join(inbound: Inbound, envelope: Envelope, *, session: Session, streams: Streams) -> LineExchange:
    exchange = LineExchange(inbound, request_id=bytes(envelope.id), client=session.client, streams=streams)
    exchange.join(session)
    return exchange
