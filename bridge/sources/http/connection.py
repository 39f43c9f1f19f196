"""A server behind Streamable HTTP, in either era: a POST for each request, its answer JSON or a stream of events."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import msgspec

from bridge.engine import envelope
from bridge.engine.envelope import Envelope, MalformedError
from bridge.sources.asks import (
    CANCELLED,
    FOR_EVER_S,
    LIST_CHANGES,
    LISTEN,
    MAY_ASK,
    NO_CALLER,
    Broadcast,
    Listeners,
    answer_ask,
    find_only,
    has_news,
    refuse,
    write_answer,
)
from bridge.sources.connection import Answer, Ask, ConnectionLost, Inbox, Notice, RequestTimeout, UpstreamError
from bridge.sources.handshake import DISCOVER, INITIALIZE, UNKNOWN, Manners
from bridge.sources.http.call import Call
from bridge.sources.http.exchange import BOTH, STREAM, Exchange, ServerAway, is_stream
from bridge.sources.http.mirror import Mirror
from bridge.sources.http.wire import Response
from bridge.sources.prepared import prepare

SESSION = "Mcp-Session-Id"
HEAR_S = 2.0
ELSEWHERE = frozenset({
    400,
    404,
    405,
})  # of servers with the transport of 2024-11-05 (2025-11-25, "backwards compatibility")
RETRY_S, MAX_RETRY_S = 1.0, 30.0
MOST_LEFT, FORGOTTEN = 1_024, -1  # calls that were left unanswered, and what stands for those beyond


class NotSpoken(UpstreamError):  # noqa: N818 - it is what happened
    """A POST is not how this server is spoken to."""


class HttpConnection:
    """A `bridge.sources.connection.Connection`. `renew` makes a new session where the server has forgotten the old."""

    def __init__(self, exchange: Exchange, *, log: Callable[[str], None]) -> None:
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.in_flight = 0
        self.pid: int | None = None
        self.session: str | None = None
        self.renew: Callable[[], Coroutine[Any, Any, None]] | None = None
        self.is_shared = True  # by callers who are strangers to each other
        self._exchange = exchange
        self._log = log
        self._mirror = Mirror(log)
        self._listeners = Listeners()
        self._calls: dict[int, Call] = {}
        self._left: set[int] = set()  # calls nobody waits for any more: the server may still be at work, and ask
        self._last_id = 0
        self._is_closed = False
        self._errands: set[asyncio.Task[None]] = set()
        self._ear: asyncio.Task[None] | None = None
        self._hears = asyncio.Event()
        self._renewing = asyncio.Lock()
        self.settle(UNKNOWN)

    def settle(self, manners: Manners) -> None:
        self.era, self.version, self.server_info, self.capabilities, self.instructions = manners

    @property
    def is_open(self) -> bool:
        return not self.ended.done()

    @property
    def longest_wait_s(self) -> float:
        return max((call.waited_s for call in self._calls.values() if call.method in MAY_ASK), default=0.0)

    async def request(
        self, method: str, params: bytes, *, timeout_s: float, inbox: Inbox | None = None, name: str | None = None
    ) -> Answer:
        if self.ended.done():
            raise ConnectionLost(self.ended.result())
        self._last_id += 1
        call = self._calls[self._last_id] = Call(self._last_id, method, inbox=inbox)
        self.in_flight += 1
        answer: Answer | None = None
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._request(call, params, name=name)
            return answer  # noqa: TRY300 - looked at below
        except TimeoutError:
            self._abandon(call)
            raise RequestTimeout(f"no answer within {round(timeout_s, 3):g} s") from None
        except asyncio.CancelledError:
            self._abandon(call)
            raise
        except ServerAway as error:
            self._end(str(error))
            raise
        finally:
            self.in_flight -= 1
            del self._calls[call.id]
            if answer is None and method in MAY_ASK:
                self._left.add(call.id if len(self._left) < MOST_LEFT else FORGOTTEN)
            call.end()

    def notify(self, method: str, params: bytes) -> None:
        """The modern era has none over HTTP: the end of a stream is what cancels."""
        if self.era == "legacy" and not self.ended.done():
            self._run(self._post(envelope.write_notification(method, params)))

    async def tell(self, method: str) -> None:
        """A notification without params that has arrived when this returns."""
        await self._post(envelope.write_notification(method))

    def listen(self, take: Callable[[Notice], None]) -> Callable[[], None]:
        if self.era == "modern" and has_news(self.capabilities):
            self._listen()
        return self._listeners.add(take)

    async def hear(self) -> None:
        """Opens the stream on which an older server says what belongs to no request, its questions among them. It is
        there, or refused, or long in coming, when this returns.
        """
        self._listen()
        with suppress(TimeoutError):
            async with asyncio.timeout(HEAR_S):
                await self._hears.wait()

    def _end(self, reason: str) -> None:
        """Whoever keeps it makes another, again and again until the server is back."""
        if not self.ended.done():
            self.ended.set_result(reason)

    async def close(self, *, grace_s: float = 2.0) -> None:
        if self._is_closed:
            return
        self._is_closed, is_away = True, self.ended.done()
        self._end("the connection was closed")
        tasks = [*self._errands, *([self._ear] if self._ear is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.session is not None and not is_away:
            with suppress(UpstreamError, TimeoutError):
                async with asyncio.timeout(grace_s), self._exchange.open("DELETE", headers=self._headers()):
                    pass
        await self._exchange.close()

    async def _request(self, call: Call, params: bytes, *, name: str | None) -> Answer:
        params, call.token = prepare(params, self.era, token=call.id)
        body = envelope.write_request(b"%d" % call.id, call.method, params=params)
        mirrored = self._mirror.make_headers(call.method, params, name=name) if self.era == "modern" else {}
        for _ in range(2):
            session = self.session
            async with self._exchange.open("POST", headers=self._headers() | mirrored, content=body) as response:
                if not (response.status == 404 and session is not None):
                    return await self._take_response(call, response)
            await self._renew(session)
        raise ConnectionLost("the server forgets its sessions at once")

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": BOTH}
        if self.version:
            headers["MCP-Protocol-Version"] = self.version
        if self.session is not None:
            headers[SESSION] = self.session
        return headers

    async def _take_response(self, call: Call, response: Response) -> Answer:
        if call.method == INITIALIZE and response.is_success:
            self.session = response.headers.get(SESSION.lower())
        if response.is_success and is_stream(response):
            answer = await self._read_stream(call, response)
            return answer if answer is not None else await self._resume(call)
        body = await self._exchange.read(response)
        answer = read_answer(body)
        if answer is None or not (response.is_success or answer.is_error):
            words = f"the server answers with HTTP {response.status} and no message of MCP"
            raise NotSpoken(words) if response.status in ELSEWHERE else UpstreamError(words)
        return self._learn(call, answer)

    async def _read_stream(self, call: Call | None, response: Response) -> Answer | None:
        """The answer to the call, when it comes; None at the end of the stream."""
        async for event in self._exchange.read_events(response):
            if call is not None:
                call.note(event)
            if not event.data:
                continue
            try:
                message = envelope.read_message(event.data, max_bytes=len(event.data))
            except MalformedError as error:
                self._log(f"an event that is no message: {error.message}")
                continue
            if message.method:
                self._take_call(call, message)
            elif call is not None and bytes(message.id) in {b"%d" % call.id, b"null"}:
                return self._learn(call, to_answer(message))
            else:
                self._log(f"an answer for a call that was never made: id {bytes(message.id)[:40]!r}")
        return None

    async def _resume(self, call: Call) -> Answer:
        """A server of 2025-11-25 may end the stream and be asked again from the last event it sent."""
        while call.last_event_id is not None and self.era == "legacy":
            await asyncio.sleep(call.retry_s)
            headers = self._headers() | {"Accept": STREAM, "Last-Event-ID": call.last_event_id}
            async with self._exchange.open("GET", headers=headers) as response:
                if not (response.is_success and is_stream(response)):
                    break
                answer = await self._read_stream(call, response)
            if answer is not None:
                return answer
        raise ConnectionLost("the stream ended without an answer")

    def _take_call(self, call: Call | None, message: Envelope) -> None:
        params = bytes(message.params) or envelope.NO_PARAMS
        if not message.id:
            if call is None or not call.take_notice(Notice(message.method, params), era=self.era):
                self._listeners.tell(Notice(message.method, params))
            return
        call = call if call is not None else self._find_only()
        task = self._run(self._answer(call, Ask(message.method, params), ask_id=bytes(message.id)))
        if call is not None:
            call.asks.add(task)

    def _find_only(self) -> Call | None:
        """The call a question that names none is surely of: it may be of one that was left unanswered too."""
        return None if self.is_shared and self._left else find_only(self._calls.values())

    async def _answer(self, call: Call | None, ask: Ask, *, ask_id: bytes) -> None:
        inbox = call.inbox if call is not None else None
        if ask.method == "ping":
            answer = Answer(b"{}")
        elif self.era == "modern":
            answer = refuse(envelope.METHOD_NOT_FOUND, "this protocol has no requests of servers")
        elif inbox is None:
            self._log(f"a question of the server, {ask.method[:80]}, was refused: {NO_CALLER}")
            answer = refuse(envelope.INVALID_REQUEST, NO_CALLER)
        else:
            answer = await answer_ask(inbox, ask)
        await self._post(write_answer(ask_id, answer))

    async def _post(self, body: bytes) -> None:
        """What has no answer. That it did not arrive is for the log alone."""
        try:
            async with self._exchange.open("POST", headers=self._headers(), content=body) as response:
                if not response.is_success:
                    self._log(f"a message of ours was not taken: HTTP {response.status}")
        except UpstreamError as error:
            self._log(f"a message of ours was not taken: {error}")

    def _abandon(self, call: Call) -> None:
        if call.method not in {INITIALIZE, DISCOVER}:
            self.notify(CANCELLED, b'{"requestId":%d,"reason":"nobody waits for it any more"}' % call.id)

    async def _renew(self, session: str | None) -> None:
        """Once for all whose session is gone."""
        async with self._renewing:
            if self.session == session:
                if self.renew is None:
                    raise ConnectionLost("the server knows our session no more")
                self.session = None
                self._log("the server has forgotten the session: a new one is made")
                await self.renew()
                self._left.clear()

    def _learn(self, call: Call, answer: Answer) -> Answer:
        if call.method != "tools/list" or self.era == "legacy" or answer.is_error:
            return answer
        try:
            return Answer(self._mirror.learn(answer.body))
        except (msgspec.DecodeError, AttributeError, RecursionError) as error:
            raise UpstreamError(f"the server's list of tools cannot be read: {error}") from error

    def _listen(self) -> None:
        if self._ear is None:
            self._ear = asyncio.get_running_loop().create_task(self._keep_listening())

    async def _keep_listening(self) -> None:
        """Again and again, later each time, until the server says that it offers none."""
        wait_s = RETRY_S
        while not self.ended.done():
            began = asyncio.get_running_loop().time()
            try:
                if not await (self._listen_modern() if self.era == "modern" else self._listen_legacy()):
                    return
            except UpstreamError as error:
                self._hears.set()
                self._log(f"news cannot be heard: {error}")
            lasted_s = asyncio.get_running_loop().time() - began
            wait_s = RETRY_S if lasted_s > MAX_RETRY_S else min(2 * wait_s, MAX_RETRY_S)
            await asyncio.sleep(wait_s)

    async def _listen_modern(self) -> bool:
        answer = await self.request(LISTEN, LIST_CHANGES, timeout_s=FOR_EVER_S, inbox=Broadcast(self._listeners))
        return not answer.is_error

    async def _listen_legacy(self) -> bool:
        session = self.session
        async with self._exchange.open("GET", headers=self._headers() | {"Accept": STREAM}) as response:
            self._hears.set()
            if response.is_success and is_stream(response):
                await self._read_stream(None, response)
                return True
        if response.status == 404 and session is not None:
            await self._renew(session)
            return True
        return False

    def _run(self, errand: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
        return task


def read_answer(body: bytes) -> Answer | None:
    """None when it is no answer of JSON-RPC."""
    try:
        message = envelope.read_message(body, max_bytes=len(body))
    except MalformedError:
        return None
    return to_answer(message) if message.result or message.error else None


def to_answer(message: Envelope) -> Answer:
    if message.error:
        return Answer(bytes(message.error), is_error=True)
    if message.result:
        return Answer(bytes(message.result))
    return refuse(envelope.INTERNAL_ERROR, "the server answered with neither result nor error")
