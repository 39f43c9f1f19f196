"""An array of messages in one POST, as 2025-03-26 alone has it: each request is answered, all on one stream.

To a client that takes no stream they are one JSON array, without what would have preceded them.
"""

import asyncio
from collections.abc import Callable

from bridge.engine.envelope import Envelope, MalformedError, make_error, read_batch, write_error, write_result
from bridge.gateway import legacy
from bridge.gateway.exchange import LegacyExchange, Outcome
from bridge.gateway.http import JSON, send_answer
from bridge.gateway.inbound import Inbound
from bridge.gateway.parts import Parts
from bridge.gateway.refusal import INVALID_REQUEST
from bridge.gateway.session import Session
from bridge.gateway.stream import EventStream, hold, write_event

VERSION = "2025-03-26"
MOST, AT_ONCE = 100, 16
ONE = "send one message a request; /mcp/tools/call takes several calls at once"
Put = Callable[[bytes], None]


class BatchExchange(LegacyExchange):
    """A request among others of one POST: `send` takes what precedes its answer, and the answer."""

    __slots__ = ("send",)
    send: Put

    def put(self, message: bytes) -> None:
        self.send(message)

    async def finish(self, outcome: Outcome) -> None:
        """One the client cancelled is answered too: the stream ends when all are."""
        if not self.is_answered:
            self.is_answered = True
            self.put((write_error if outcome.is_error else write_result)(self.id, outcome.body))


async def take(parts: Parts, inbound: Inbound, *, body: bytes, max_bytes: int) -> None:
    """Raises Refusal, and MalformedError for an array of a client whose version has none."""
    if legacy.SESSION not in inbound.headers:
        raise MalformedError(INVALID_REQUEST, ONE)
    session = legacy.find_session(parts, inbound)
    if session.client.version != VERSION:
        raise MalformedError(INVALID_REQUEST, ONE)
    items = read_batch(body, max_bytes=max_bytes, max_items=MOST)
    wanted = [item for item in items if isinstance(item, MalformedError) or item.is_request]
    for item in items:
        if isinstance(item, Envelope) and not item.is_request:
            legacy.take_other(session, item)
    if not wanted:
        await send_answer(inbound.send, 202, headers=inbound.answer_headers)
    elif inbound.accepts_events:
        await answer_on_stream(parts, inbound, items=wanted, session=session)
    else:
        await answer_at_once(parts, inbound, items=wanted, session=session)


async def answer_on_stream(
    parts: Parts, inbound: Inbound, *, items: list[Envelope | MalformedError], session: Session
) -> None:
    """Its end, or its client's going away, ends the calls."""
    stream = EventStream(inbound.send, headers=inbound.answer_headers)

    async def answer() -> None:
        try:
            await answer_all(
                parts, inbound, items=items, session=session, send=lambda one: stream.put(write_event(one))
            )
        finally:
            stream.end()

    answering = asyncio.get_running_loop().create_task(answer())
    try:
        await hold(stream, inbound.stay(parts.door), streams=parts.streams, is_idle=False)
    finally:
        answering.cancel()
        await asyncio.wait([answering])


async def answer_at_once(
    parts: Parts, inbound: Inbound, *, items: list[Envelope | MalformedError], session: Session
) -> None:
    answers: list[bytes] = []
    await answer_all(parts, inbound, items=items, session=session, send=answers.append)
    body = b"[%b]" % b",".join(answers)
    await send_answer(inbound.send, 200, body=body, headers=inbound.answer_headers, content_type=JSON)


async def answer_all(
    parts: Parts, inbound: Inbound, *, items: list[Envelope | MalformedError], session: Session, send: Put
) -> None:
    turns = asyncio.Semaphore(AT_ONCE)

    async def answer(item: Envelope | MalformedError) -> None:
        async with turns:
            await answer_one(parts, inbound, item=item, session=session, send=send)

    async with asyncio.TaskGroup() as group:
        for item in items:
            group.create_task(answer(item))


async def answer_one(
    parts: Parts, inbound: Inbound, *, item: Envelope | MalformedError, session: Session, send: Put
) -> None:
    """Whatever is wrong with it is its own answer."""
    request_id = bytes(item.id) if isinstance(item, Envelope) else b"null"
    try:
        if isinstance(item, MalformedError):
            raise item
        exchange = BatchExchange(inbound, request_id=request_id, client=session.client, streams=parts.streams)
        exchange.send = send
        exchange.join(session)
        await legacy.serve_request(parts, inbound, envelope=item, exchange=exchange)
    except MalformedError as error:
        send(write_error(request_id, make_error(error.code, error.message)))
