"""Server-sent events: whoever has something to tell puts it, one task writes it as fast as the client reads."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

from bridge.engine.envelope import to_one_line

Message = MutableMapping[str, Any]  # of ASGI
Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Header = tuple[bytes, bytes]
HEADERS: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)
MOST_WAITING_BYTES = 16 << 20  # of a client that does not read; it loses the stream
SILENCE_S = 15.0  # then a comment keeps proxies from closing the stream
PULSE = b": \n\n"


def write_event(message: bytes, *, event_id: bytes | None = None) -> bytes:
    """`message`: JSON; a server's may be written on several lines, which an event's data is not."""
    message = to_one_line(message)
    if event_id is None:
        return b"event: message\ndata: %b\n\n" % message
    return b"event: message\nid: %b\ndata: %b\n\n" % (event_id, message)


class EventStream:
    """One HTTP answer that goes on. It begins with what is put first; `run` or `start` writes."""

    def __init__(self, send: Send, *, headers: tuple[Header, ...] = ()) -> None:
        self._send, self._headers = send, headers
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._wake: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self.is_ending = False
        self.is_idle = False  # it tells what happens, and no call waits for its answer on it
        self.last: Callable[[], bytes] | None = None
        self.told_at_s = time.monotonic()

    @property
    def is_open(self) -> bool:
        return not self.is_ending

    def put(self, event: bytes) -> None:
        """Dropped once the stream is ending; a client that reads too little loses the stream."""
        if self.is_ending:
            return
        if self._waiting_bytes > MOST_WAITING_BYTES:
            self.end()
            return
        self._waiting.append(event)
        self._waiting_bytes += len(event)
        self.told_at_s = time.monotonic()
        self._rouse()

    def end(self) -> None:
        """What was put is written, then the answer is complete."""
        if not self.is_ending and self.last is not None:
            self._waiting.append(self.last())
        self.is_ending = True
        self._rouse()

    def start(self) -> None:
        """Writes in a task of its own."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self.run())

    async def finish(self) -> None:
        self.end()
        if self._task is not None:
            await self._task

    async def run(self) -> None:
        await self._send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, *self._headers]})
        while True:
            if self._waiting:
                chunk = b"".join(self._waiting)
                self._waiting.clear()
                self._waiting_bytes = 0
                await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
            elif self.is_ending:
                break
            else:
                self._wake = asyncio.get_running_loop().create_future()
                await self._wake
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


class Streams:
    """The streams that are open, so that silent ones can be kept alive and all be ended."""

    def __init__(self) -> None:
        self._open: set[EventStream] = set()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[EventStream]:
        return iter(tuple(self._open))

    def add(self, stream: EventStream) -> None:
        self._open.add(stream)

    def discard(self, stream: EventStream) -> None:
        self._open.discard(stream)

    def pulse(self) -> None:
        due_s = time.monotonic() - SILENCE_S
        for stream in self:
            if stream.told_at_s < due_s:
                stream.put(PULSE)

    def leave(self) -> None:
        """The gateway goes: on those that are left calls are still answered."""
        for stream in self:
            if stream.is_idle:
                stream.end()

    def end(self) -> None:
        for stream in self:
            stream.end()


async def hold(
    stream: EventStream,
    receive: Receive,
    *,
    streams: Streams,
    last: Callable[[], bytes] | None = None,
    is_idle: bool = True,
) -> None:
    """Until the stream ends or its client goes away. `last`: what a client that stays is told at the end."""
    streams.add(stream)
    stream.last, stream.is_idle = last, is_idle
    gone = asyncio.get_running_loop().create_task(wait_for_disconnect(receive))
    gone.add_done_callback(lambda _: stream.end())
    try:
        await stream.run()
    finally:
        gone.cancel()
        streams.discard(stream)


async def wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
