"""A server that speaks the transport of 2024-11-05: one stream on which everything comes, and a place for messages."""

import asyncio

from bridge.engine import envelope
from bridge.engine.envelope import Envelope, MalformedError
from bridge.sources.asks import LOG_MESSAGE, PROGRESS
from bridge.sources.connection import Answer, ConnectionLost, UpstreamError
from bridge.sources.http.call import Call
from bridge.sources.http.connection import HttpConnection, read_answer, to_answer
from bridge.sources.http.exchange import STREAM, is_stream
from bridge.sources.http.wire import Response
from bridge.sources.prepared import prepare, read_notice


class SseConnection(HttpConnection):
    """It lives as long as its stream. `begin` it before the handshake."""

    _awaited: dict[int, asyncio.Future[Answer]]

    async def begin(self) -> None:
        """Opens the stream, whose first event says where messages go. Raises UpstreamError."""
        self._awaited = {}
        place: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._ear = asyncio.get_running_loop().create_task(self._keep(place))
        self._exchange.send_to(await place)

    async def hear(self) -> None:
        """It does already."""

    def _headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", "Accept": "*/*"}

    async def _request(self, call: Call, params: bytes, *, name: str | None) -> Answer:
        params, call.token = prepare(params, "legacy", token=call.id)
        body = envelope.write_request(b"%d" % call.id, call.method, params=params)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._awaited[call.id] = answer
        try:
            async with self._exchange.open("POST", headers=self._headers(), content=body) as response:
                if not response.is_success:
                    return await self._take_refusal(response)
            return await answer
        finally:
            del self._awaited[call.id]
            answer.cancel()

    async def _take_refusal(self, response: Response) -> Answer:
        """Raises ConnectionLost when the server knows our stream no more."""
        if response.status == 404:
            self._lose(ConnectionLost("the server knows our stream no more"))
            raise ConnectionLost("the server knows our stream no more")
        answer = read_answer(await self._exchange.read(response))
        if answer is None or not answer.is_error:
            raise UpstreamError(f"the server did not take our message: HTTP {response.status}")
        return answer

    async def _keep(self, place: asyncio.Future[str]) -> None:
        """Reads the stream to its end, which is the connection's too."""
        try:
            async with self._exchange.open("GET", headers={"Accept": STREAM}) as response:
                check_stream(response)
                async for event in self._exchange.read_events(response):
                    if event.name == "endpoint" and not place.done():
                        place.set_result(event.data.decode(errors="replace"))
                    elif event.name == "message" and event.data:
                        self._take_event(event.data)
            failure: UpstreamError = ConnectionLost("the server ended its stream")
        except UpstreamError as error:
            failure = error
        if not place.done():
            place.set_exception(failure)
        self._lose(failure)

    def _lose(self, error: UpstreamError) -> None:
        self._end(str(error))
        for answer in self._awaited.values():
            if not answer.done():
                answer.set_exception(ConnectionLost(str(error)))

    def _take_event(self, data: bytes) -> None:
        try:
            message = envelope.read_message(data, max_bytes=len(data))
        except MalformedError as error:
            self._log(f"an event that is no message: {error.message}")
            return
        if message.method:
            self._take_call(self._find_call(message), message)
            return
        answer = self._awaited.get(read_id(message))
        if read_id(message) in self._left:
            self._left.remove(read_id(message))
        elif answer is None or answer.done():
            self._log(f"an answer nobody waits for: id {bytes(message.id)[:40]!r}")
        else:
            answer.set_result(to_answer(message))

    def _find_call(self, message: Envelope) -> Call | None:
        """Whose it is: progress says so; a question or a log message is surely the only one's that may ask."""
        if message.method == PROGRESS:
            token = read_notice(bytes(message.params)).token
            return self._calls.get(token) if isinstance(token, int) else None
        return self._find_only() if message.id or message.method == LOG_MESSAGE else None


def check_stream(response: Response) -> None:
    """Raises UpstreamError."""
    if not (response.is_success and is_stream(response)):
        raise UpstreamError(f"the server offers no stream (HTTP {response.status})")


def read_id(message: Envelope) -> int:
    """One of ours, or 0."""
    text = bytes(message.id)
    return int(text) if text.isdigit() and len(text) < 16 else 0
