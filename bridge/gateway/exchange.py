"""One request of a client over HTTP: its answer is one JSON text, or, once something comes before it, a stream."""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from msgspec import Struct

from bridge.engine.envelope import write_error, write_notification, write_request, write_result
from bridge.engine.era import LEVELS, Client
from bridge.gateway.compression import SMALLEST, compress
from bridge.gateway.http import send_answer
from bridge.gateway.inbound import Inbound
from bridge.gateway.session import Channel, Session
from bridge.gateway.stream import EventStream, Header, Streams, wait_for_disconnect, write_event
from bridge.sources.connection import Answer, Ask, Notice

MESSAGE = "notifications/message"
PRIMED_FROM = "2025-11-25"
UNANSWERABLE = Answer(b'{"code":-32601,"message":"the client cannot be asked for this"}', is_error=True)
CAPABILITY_OF = {"sampling/createMessage": "sampling", "elicitation/create": "elicitation", "roots/list": "roots"}


class Outcome(NamedTuple):
    """How a request ends: the JSON of its result or error, and the status where it is all of an HTTP answer."""

    body: bytes
    is_error: bool = False
    status: int = 200
    headers: tuple[Header, ...] = ()


class _Logged(Struct):
    level: str = "info"


_read_logged = msgspec.json.Decoder(_Logged).decode


def find_cancel() -> Callable[[], object]:
    """Of the task we are in."""
    task = asyncio.current_task()
    return task.cancel if task is not None else lambda: None


class Exchange:
    """`cancel`: ends the call when the client goes away, or says so; of the task we are in, unless given."""

    can_answer = True
    __slots__ = (
        "_inbound", "accepts_events", "began_s", "caller", "cancel", "client", "id", "is_answered", "stream", "streams",
        "watcher",
    )  # fmt: skip

    def __init__(
        self,
        inbound: Inbound,
        *,
        request_id: bytes,
        client: Client,
        streams: Streams,
        cancel: Callable[[], object] | None = None,
    ) -> None:
        self._inbound, self.id, self.client, self.streams = inbound, request_id, client, streams
        self.caller, self.accepts_events, self.cancel = inbound.caller, inbound.accepts_events, cancel or find_cancel()
        self.stream: EventStream | None = None
        self.watcher: asyncio.Task[None] | None = None
        self.is_answered = False
        self.began_s = time.monotonic()

    def take_notice(self, notice: Notice) -> None:
        if not self.is_answered and self.accepts_events and self.wants(notice):
            self.put(write_notification(notice.method, notice.params))

    def wants(self, notice: Notice) -> bool:
        """Log messages are told from the level on that the client asked for; without one, none."""
        if notice.method != MESSAGE:
            return True
        return self.client.log_level is not None and is_as_grave(notice.params, self.client.log_level)

    def put(self, message: bytes) -> None:
        if self.stream is None:
            self.open_stream()
        if self.stream is not None:
            self.stream.put(write_event(message))

    def open_stream(self) -> None:
        self.stream = EventStream(self._inbound.send, headers=self._inbound.answer_headers)
        self.streams.add(self.stream)
        self.stream.start()

    async def answer(self, ask: Ask) -> Answer:
        return UNANSWERABLE

    def is_able(self, ask: Ask) -> bool:
        """Whether the client said that it answers such questions."""
        capability = CAPABILITY_OF.get(ask.method)
        return capability is not None and b'"%b"' % capability.encode() in self.client.capabilities

    async def finish(self, outcome: Outcome) -> None:
        if self.is_answered:
            return
        self.is_answered = True
        message = write_error(self.id, outcome.body) if outcome.is_error else write_result(self.id, outcome.body)
        if self.stream is None:
            inbound = self._inbound
            headers = (*inbound.answer_headers, *outcome.headers)
            if len(message) >= SMALLEST:
                message, encoding = await compress(message, inbound.headers.get(b"accept-encoding", b""))
                headers += encoding
            if inbound.wire is None or not inbound.wire.reply(outcome.status, headers=headers, body=message):
                await send_answer(inbound.send, outcome.status, body=message, headers=headers)
        else:
            await self.finish_stream(self.stream, message)

    async def finish_stream(self, stream: EventStream, message: bytes) -> None:
        stream.put(write_event(message))
        await stream.finish()
        self.streams.discard(stream)

    def has_left(self) -> bool:
        """Whether its client went away. A server that is not our own tells it to whoever waits: to a task."""
        wire = self._inbound.wire
        if wire is not None:
            return wire.has_left()
        if self.watcher is None:
            self.watcher = asyncio.get_running_loop().create_task(self._watch())
        return False

    async def _watch(self) -> None:
        await wait_for_disconnect(self._inbound.receive)
        if not self.is_answered:
            self.on_disconnect()

    def on_disconnect(self) -> None:
        self.cancel()

    def close(self) -> None:
        """Nothing more comes."""
        self.is_answered = True
        if self.watcher is not None:
            self.watcher.cancel()
        if self.stream is not None:
            self.stream.end()
            self.streams.discard(self.stream)


def is_as_grave(params: bytes, level: str) -> bool:
    try:
        told = _read_logged(params).level
    except msgspec.DecodeError:
        return False
    return told in LEVELS and LEVELS.index(told) >= LEVELS.index(level)


class LegacyExchange(Exchange):
    """Of a session: what precedes the answer has ids, and is told again to a client that lost its stream."""

    __slots__ = ("channel", "is_cancelled_by_client", "session")

    def join(self, session: Session) -> None:
        self.session, self.is_cancelled_by_client = session, False
        self.channel = Channel(session, f"call {self.id.decode(errors='replace')}")

    def cancel_by_client(self) -> None:
        self.is_cancelled_by_client = True
        self.cancel()

    def put(self, message: bytes) -> None:
        if self.stream is None:
            self.open_stream()
            self.channel.live = self.stream
            if self.client.version >= PRIMED_FROM:
                self.session.prime(self.channel)
        self.channel.put(message)

    async def answer(self, ask: Ask) -> Answer:
        if ask.method == "ping":
            return Answer(b"{}")
        if not self.is_able(ask):
            return UNANSWERABLE
        put = self.put if self.accepts_events else self.session.general.put
        body, is_error = await self.session.ask(lambda asked: put(write_request(asked, ask.method, params=ask.params)))
        return Answer(body, is_error)

    async def finish_stream(self, stream: EventStream, message: bytes) -> None:
        self.channel.put(message)
        self.channel.finish()
        await stream.finish()
        self.streams.discard(stream)

    def on_disconnect(self) -> None:
        """A stream may be taken up again; without one the answer could reach nobody."""
        if self.stream is None:
            self.cancel()
        elif self.channel.live is self.stream:
            self.channel.live = None


class Watch:
    """Looks after calls that take longer than a moment: only those can lose their client meanwhile."""

    EVERY_S, MOMENT_S = 0.1, 0.05

    def __init__(self) -> None:
        self.under_way: set[Exchange] = set()

    def begin(self, exchange: Exchange) -> None:
        self.under_way.add(exchange)

    def end(self, exchange: Exchange) -> None:
        self.under_way.discard(exchange)
        exchange.close()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self.EVERY_S)
            self.look()

    def look(self) -> None:
        old_s = time.monotonic() - self.MOMENT_S
        for exchange in tuple(self.under_way):
            if exchange.began_s < old_s and not exchange.is_answered and exchange.has_left():
                self.under_way.discard(exchange)
                exchange.on_disconnect()
