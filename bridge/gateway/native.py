"""/mcp and /mcp/servers/NAME: Streamable HTTP as the protocol has it, in the era the request is of."""

from collections.abc import Awaitable

from bridge.engine.envelope import Envelope, MalformedError, is_batch, make_error, read_message, write_error
from bridge.engine.era import LEGACY, MODERN, VERSION
from bridge.gateway import batch, legacy, modern
from bridge.gateway.http import JSON, read_body, send_answer
from bridge.gateway.inbound import Inbound
from bridge.gateway.parts import Parts
from bridge.gateway.refusal import INVALID_REQUEST, Refusal
from bridge.gateway.stream import Header

BODY_BYTES = 8 << 20
ALLOW: Header = (b"allow", b"POST, GET, DELETE")
_VERSION_IN_BODY, _MODERN = b'"%b"' % VERSION.encode(), MODERN.encode()


def serve(parts: Parts, inbound: Inbound) -> Awaitable[None]:
    """Raises Refusal, Gone."""
    return take_message(parts, inbound) if inbound.scope["method"] == "POST" else serve_other(parts, inbound)


async def serve_other(parts: Parts, inbound: Inbound) -> None:
    """Raises Refusal."""
    match inbound.scope["method"]:
        case "GET":
            refuse_modern(inbound)
            await legacy.open_stream(parts, inbound)
        case "DELETE":
            refuse_modern(inbound)
            await legacy.end_session(parts, inbound)
        case _:
            refuse_method()


def refuse_modern(inbound: Inbound) -> None:
    """That era has POST alone. Raises Refusal 405."""
    if inbound.headers.get(b"mcp-protocol-version") == MODERN.encode() or legacy.SESSION not in inbound.headers:
        refuse_method()


def refuse_method() -> None:
    raise Refusal("method-not-allowed", "Send a POST.", status=405, code=INVALID_REQUEST, headers=(ALLOW,))


async def take_message(parts: Parts, inbound: Inbound) -> None:
    body = inbound.wire.take_body() if inbound.wire is not None else None
    if body is None:
        body = await read_body(inbound.receive, max_bytes=BODY_BYTES)
    try:
        if is_batch(body):
            await batch.take(parts, inbound, body=body, max_bytes=BODY_BYTES)
            return
        envelope = read_message(body, max_bytes=BODY_BYTES)
        inbound.message_id = bytes(envelope.id) or b"null"
        if is_of_modern(inbound, body):
            await modern.take(parts, inbound, envelope=envelope)
        else:
            await legacy.take(parts, inbound, envelope=envelope)
    except MalformedError as error:
        await refuse_message(inbound, error, request_id=inbound.message_id)


def read_one(body: bytes) -> Envelope:
    """Raises MalformedError, for an array too."""
    if is_batch(body):
        raise MalformedError(INVALID_REQUEST, batch.ONE)
    return read_message(body, max_bytes=BODY_BYTES)


def is_of_modern(inbound: Inbound, body: bytes) -> bool:
    """By its header; without one, by what it says of itself."""
    version = inbound.headers.get(b"mcp-protocol-version")
    if version == _MODERN:
        return True
    if version is None:
        return _VERSION_IN_BODY in body
    return version.decode("latin-1") not in LEGACY and legacy.SESSION not in inbound.headers


async def refuse_message(inbound: Inbound, error: MalformedError, *, request_id: bytes) -> None:
    body = write_error(request_id, make_error(error.code, error.message))
    await send_answer(inbound.send, 400, body=body, headers=inbound.answer_headers, content_type=JSON)
