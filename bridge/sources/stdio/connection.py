"""One child, shared by many callers: their requests go out under ids of ours, answers find their way back by them."""

import asyncio
from collections.abc import Callable, Iterable

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from bridge.engine import envelope
from bridge.sources.asks import (
    CANCELLED,
    FOR_EVER_S,
    LIST_CHANGES,
    LISTEN,
    LOG_MESSAGE,
    MAY_ASK,
    NO_CALLER,
    PROGRESS,
    WITHDRAWN,
    Broadcast,
    Listeners,
    answer_ask,
    find_inbox,
    has_news,
    refuse,
    write_answer,
)
from bridge.sources.connection import (
    Answer,
    AnswerTooLarge,
    Ask,
    ConnectionLost,
    Inbox,
    Notice,
    RequestTimeout,
    UpstreamError,
)
from bridge.sources.handshake import DISCOVER, INITIALIZE, UNKNOWN, Manners
from bridge.sources.prepared import prepare, read_notice, restore_token
from bridge.sources.stdio.calls import Calls
from bridge.sources.stdio.child import Child
from bridge.sources.stdio.framing import Lines, find_id
from bridge.sources.stdio.tap import LINE_COST, ODD_COST, Tap

TOO_DEEP = f"what the server says is nested deeper than {envelope.MAX_DEPTH} levels"


class _Line(Struct, frozen=True, gc=False):
    """A line of a child. `id` is one of ours, so nothing else need be kept as it was written."""

    id: int | str | float | UnsetType | None = UNSET
    method: str = ""
    params: Raw = Raw(envelope.NO_PARAMS)
    result: Raw = Raw()
    error: Raw = Raw()


_read_line = msgspec.json.Decoder(_Line).decode
_read_lines = msgspec.json.Decoder(list[Raw]).decode
_read_id = msgspec.json.Decoder(envelope.Envelope).decode


class StdioConnection:
    """A `bridge.sources.connection.Connection`. `settle` it with what the handshake found before others use it."""

    def __init__(self, *, max_answer_bytes: int, tap: Tap) -> None:
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[str] = loop.create_future()
        self.in_flight = 0
        self.pid: int | None = None
        self.child = Child(self, tap)
        self._tap = tap
        self.is_shared = True  # by callers who are strangers to each other
        self._loop = loop
        self._calls = Calls(loop)
        self._lines = Lines(max_answer_bytes, self._take_skipped)
        self._max_answer_bytes = max_answer_bytes
        self._listeners = Listeners()
        self._asks: dict[bytes, asyncio.Task[Answer]] = {}
        self._subscription: asyncio.Task[Answer] | None = None
        self.settle(UNKNOWN)

    def settle(self, manners: Manners) -> None:
        self.era, self.version, self.server_info, self.capabilities, self.instructions = manners

    @property
    def is_open(self) -> bool:
        return not self.ended.done()

    @property
    def longest_wait_s(self) -> float:
        now_s = self._loop.time()
        waits = (now_s - call.deadline + call.timeout_s for call in self._calls if call.method in MAY_ASK)
        return max(waits, default=0.0)

    async def request(
        self, method: str, params: bytes, *, timeout_s: float, inbox: Inbox | None = None, name: str | None = None
    ) -> Answer:
        if self.ended.done():
            raise ConnectionLost(self.ended.result())
        call_id, call = self._calls.start(method, inbox=inbox, timeout_s=timeout_s)
        self.in_flight += 1
        try:
            params, call.token = prepare(params, self.era, token=call_id)
            line = envelope.write_request(b"%d" % call_id, method, params=envelope.to_one_line(params))
            self.child.outbox.put(line + b"\n", key=call_id)
            return await call.future
        except (asyncio.CancelledError, RequestTimeout) as stopped:
            self._abandon(call_id, method, is_late=isinstance(stopped, RequestTimeout))
            raise
        finally:
            self.in_flight -= 1
            self._calls.take(call_id)
            if call.asks:
                cancel_all(call.asks)

    def notify(self, method: str, params: bytes) -> None:
        if not self.ended.done():
            self.child.outbox.put(envelope.write_notification(method, envelope.to_one_line(params)) + b"\n")

    def listen(self, take: Callable[[Notice], None]) -> Callable[[], None]:
        if self.era == "modern" and self._subscription is None and has_news(self.capabilities):
            self._subscription = self._loop.create_task(self._subscribe())
        return self._listeners.add(take)

    async def close(self, *, grace_s: float = 2.0) -> None:
        if self._subscription is not None:
            self._subscription.cancel()
        await self.child.close(grace_s)
        self.take_end("it was closed")

    def take_output(self, chunk: bytes) -> None:
        cost = 0
        for line in self._lines.feed(chunk):
            if line[:1] == b"{" or line.lstrip()[:1] in {b"{", b"["}:
                cost += 0 if self._take_line(line) else len(line) + ODD_COST
            elif line:
                cost += len(line) + LINE_COST
                self._tap.take("stdout", line)
        if cost and self._tap.is_flooded(cost):
            self.child.slow_down(1)

    def take_end(self, reason: str) -> None:
        if self.ended.done():
            return
        self.ended.set_result(f"the server is gone: {reason}")
        self._tap.say("life", reason)
        self._calls.fail_all(ConnectionLost(f"the server is gone: {reason}"))
        cancel_all(self._asks.values())

    async def _subscribe(self) -> Answer:
        """The modern era tells of changes only who asks for it. The answer comes when the server ends it."""
        try:
            return await self.request(LISTEN, LIST_CHANGES, timeout_s=FOR_EVER_S, inbox=Broadcast(self._listeners))
        except UpstreamError as error:
            return Answer(envelope.make_error(envelope.INTERNAL_ERROR, str(error)), is_error=True)

    def _abandon(self, call_id: int, method: str, *, is_late: bool) -> None:
        """A late answer finds nobody. The handshake must not be cancelled, says the protocol."""
        if self.child.outbox.take_back(call_id) or method in {INITIALIZE, DISCOVER}:
            return
        self._calls.abandon(call_id, may_ask=method in MAY_ASK)
        reason = b"no answer in time" if is_late else b"its caller went away"
        self.notify(CANCELLED, b'{"requestId":%d,"reason":"%b"}' % (call_id, reason))

    def _take_line(self, line: bytes) -> bool:
        """Whether it was of use."""
        try:
            message = _read_line(line)
            if not line.isascii():
                line.decode()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return self._take_odd(line, error)
        is_deep = len(line) > 2 * envelope.MAX_DEPTH and envelope.is_deeper(line, envelope.MAX_DEPTH)
        if is_deep:
            self._tap.take("protocol", TOO_DEEP.encode())
        if message.method:
            if not is_deep:
                self._take_call(message, line)
            elif message.id is not UNSET:
                self._reply(bytes(_read_id(line).id), refuse(envelope.INVALID_REQUEST, TOO_DEEP))
            return False  # as much work as junk is, and nobody asked for it
        return self._take_answer(message, AnswerTooLarge(TOO_DEEP) if is_deep else None)

    def _take_answer(self, message: _Line, fault: UpstreamError | None) -> bool:
        call = self._calls.take(message.id)
        if call is None:
            if self._calls.was_abandoned(message.id):
                return True
            is_ours = isinstance(message.id, int) and 0 < message.id <= self._calls.last_id
            why = "a second time" if is_ours else "for a call that was never made"
            self._tap.take("protocol", f"an answer {why}: id {str(message.id)[:40]}".encode())
        elif not call.future.done() and fault is not None:
            call.future.set_exception(fault)
        elif not call.future.done():
            call.future.set_result(read_answer(message))
        return call is not None

    def _take_odd(self, line: bytes, error: Exception) -> bool:
        """Arrays came with 2025-03-26 and went with the next version; anything else is junk that looks like JSON."""
        if line.lstrip()[:1] == b"[":
            try:
                items = [bytes(item) for item in _read_lines(line)]
            except (msgspec.DecodeError, RecursionError):
                items = []
            for item in items:
                if item[:1] == b"{":
                    self._take_line(item)
            if items:
                return True
        call = self._calls.take(find_id(line[:512], line[-512:]))
        if call is not None and not call.future.done():
            call.future.set_exception(UpstreamError("the server's answer is no JSON"))
        self._tap.take("protocol" if call else "stdout", line[:1_000] if call is None else str(error).encode())
        return call is not None

    def _take_skipped(self, head: bytes, tail: bytes, length: int) -> None:
        """A line beyond the limit: its call fails, and the others go on."""
        call = self._calls.take(find_id(head, tail))
        if call is not None and not call.future.done():
            words = f"the answer has {length} bytes, at most {self._max_answer_bytes} are taken"
            call.future.set_exception(AnswerTooLarge(words))
        self._tap.take("protocol", f"a line of {length} bytes was skipped".encode())

    def _take_call(self, message: _Line, line: bytes) -> None:
        if message.id is not UNSET:
            self._take_ask(Ask(message.method, bytes(message.params)), bytes(_read_id(line).id))
        elif message.method == CANCELLED:
            asked = self._asks.get(bytes(envelope.read_object(bytes(message.params)).get("requestId", b"")))
            if asked is not None:
                asked.cancel()
        else:
            self._take_notice(Notice(message.method, bytes(message.params)))

    def _take_notice(self, notice: Notice) -> None:
        about = read_notice(notice.params)
        if notice.method == PROGRESS:
            call = self._calls.find(about.token)
            notice = notice if call is None or call.token is None else restore_token(notice.params, call.token)
            call = None if call is None or call.token is None else call
        elif about.meta.subscription is not None:
            call = self._calls.find(about.meta.subscription)
        elif notice.method == LOG_MESSAGE and (inbox := self._find_inbox()) is not None:
            inbox.take_notice(notice)
            return
        else:
            self._listeners.tell(notice)
            return
        if call is not None and call.inbox is not None:
            call.inbox.take_notice(notice)

    def _find_inbox(self) -> Inbox | None:
        """Of the caller it surely belongs to: of the calls of others too that were left unanswered it may be."""
        return None if self.is_shared and self._calls.has_left_asking else find_inbox(self._calls)

    def _take_ask(self, ask: Ask, ask_id: bytes) -> None:
        inbox = self._find_inbox()
        if ask.method == "ping":
            self._reply(ask_id, Answer(b"{}"))
        elif self.era == "modern":
            self._reply(ask_id, refuse(envelope.METHOD_NOT_FOUND, "this protocol has no requests of servers"))
        elif inbox is None:
            self._reply(ask_id, refuse(envelope.INVALID_REQUEST, NO_CALLER))
        else:
            self._put_to(inbox, ask, ask_id=ask_id)

    def _put_to(self, inbox: Inbox, ask: Ask, *, ask_id: bytes) -> None:
        task = self._loop.create_task(answer_ask(inbox, ask))
        task.add_done_callback(lambda task: self._finish_ask(task, ask_id))
        self._asks[ask_id] = task
        for call in self._calls:
            if call.inbox is inbox:
                call.asks = (call.asks or set()) | {task}

    def _finish_ask(self, task: asyncio.Task[Answer], ask_id: bytes) -> None:
        self._asks.pop(ask_id, None)
        if task.cancelled():
            self._reply(ask_id, refuse(envelope.INTERNAL_ERROR, WITHDRAWN))
        else:
            self._reply(ask_id, task.result())

    def _reply(self, ask_id: bytes, answer: Answer) -> None:
        if not self.ended.done():
            self.child.outbox.put(envelope.to_one_line(write_answer(ask_id, answer)) + b"\n")


def read_answer(message: _Line) -> Answer:
    if message.error:
        return Answer(bytes(message.error), is_error=True)
    if message.result:
        return Answer(bytes(message.result))
    return refuse(envelope.INTERNAL_ERROR, "the server answered with neither result nor error")


def cancel_all(tasks: Iterable[asyncio.Task[Answer]]) -> None:
    for task in tuple(tasks):
        task.cancel()
