"""What of HTTP the gateway needs: a body read within its limit, an answer sent in one piece."""

import msgspec

from bridge.engine.envelope import make_error, read_object, write_error
from bridge.gateway.fleet.upstream import COME_AGAIN_S, TooManyConnections
from bridge.gateway.refusal import CODES, INVALID_REQUEST, Refusal
from bridge.gateway.stream import Header, Message, Receive, Send
from bridge.sources.connection import AnswerTooLarge, RequestTimeout, UpstreamError
from mcp_saas.kit.errors import DOCS

JSON: Header = (b"content-type", b"application/json")
PROBLEM: Header = (b"content-type", b"application/problem+json")


class Gone(Exception):  # noqa: N818 - it is what happened
    """The client went away before its request was whole."""


async def read_body(receive: Receive, *, max_bytes: int) -> bytes:
    """Raises Refusal 413, Gone."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body") or message["type"] != "http.request":
        body = await _read_rest(message, receive, max_bytes=max_bytes)
    if len(body) > max_bytes:
        raise refuse_length(max_bytes)
    return body


async def _read_rest(message: Message, receive: Receive, *, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    length = 0
    while True:
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > max_bytes:
            raise refuse_length(max_bytes)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def refuse_length(max_bytes: int) -> Refusal:
    return Refusal("body-too-large", f"The body is longer than {max_bytes} bytes.", status=413, code=INVALID_REQUEST)


async def send_answer(
    send: Send, status: int, *, body: bytes = b"", headers: tuple[Header, ...] = (), content_type: Header = JSON
) -> None:
    start = [(b"content-length", b"%d" % len(body)), *headers]
    if body:
        start.append(content_type)
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})


def to_refusal(error: UpstreamError) -> Refusal:
    """A server's fault as a caller is told it."""
    if isinstance(error, RequestTimeout):
        return Refusal("upstream-timeout", str(error), status=504, code=CODES["upstream-timeout"])
    if isinstance(error, AnswerTooLarge):
        return Refusal("answer-too-large", str(error), status=502, code=CODES["answer-too-large"])
    if isinstance(error, TooManyConnections):
        return Refusal("too-many", str(error), status=429, code=CODES["too-many"], retry_after_s=COME_AGAIN_S)
    return Refusal("upstream-away", str(error), status=502, code=CODES["upstream-away"], retry_after_s=1.0)


def retry_headers(refusal: Refusal) -> tuple[Header, ...]:
    if refusal.retry_after_s is None:
        return refusal.headers
    return (*refusal.headers, (b"retry-after", b"%d" % max(1, round(refusal.retry_after_s))))


def write_refusal(refusal: Refusal, request_id: bytes) -> bytes:
    return write_error(request_id, write_refusal_error(refusal))


def write_refusal_error(refusal: Refusal) -> bytes:
    """As the error of JSON-RPC; its `data` names the kind unless the refusal has its own."""
    told: dict[str, object] = {"kind": refusal.kind}
    if refusal.retry_after_s is not None:
        told["retryAfterS"] = refusal.retry_after_s
    data = msgspec.json.encode(told) if refusal.data is None else refusal.data
    return make_error(refusal.code, refusal.message, data=data)


def write_problem(refusal: Refusal, *, request_id: str) -> bytes:
    """As RFC 9457 has it."""
    return msgspec.json.encode({
        "type": f"{DOCS}/{refusal.kind}",
        "title": refusal.kind.replace("-", " ").capitalize(),
        "status": find_status(refusal),
        "detail": refusal.message,
        "instance": f"urn:request:{request_id}",
        **(read_object(refusal.data) if refusal.data else {}),
    })


async def send_problem(send: Send, refusal: Refusal, *, headers: tuple[Header, ...], request_id: str) -> None:
    body = write_problem(refusal, request_id=request_id)
    await send_answer(
        send, find_status(refusal), body=body, headers=(*headers, *retry_headers(refusal)), content_type=PROBLEM
    )  # fmt: skip


def find_status(refusal: Refusal) -> int:
    """JSON-RPC tells some errors under 200, since 404 would end a session there; plain HTTP has a status for each."""
    if refusal.status >= 400:
        return refusal.status
    return 404 if refusal.kind == "not-found" else 400
