"""One connection of HTTP/1.1 and the answers that come on it, one after the other; llhttp reads them."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import httptools

MAX_HEAD_BYTES = 64 * 1024  # with the trailers, of which the parser keeps what has come until one is whole
FRAMING = 16  # bytes on the wire for a byte of the body, in the smallest chunks
PAUSE_BYTES = 256 * 1024  # of a body that nobody has read yet
KEPT_S = 4.0  # a silent connection: many servers close theirs after five, perhaps just when we send
KEPT_AT_MOST_S = 60.0


class HttpFailure(Exception):  # noqa: N818 - what became of it, in words fit for a caller
    """There is no answer, or no whole one."""


class NotReached(HttpFailure):
    """Nobody who can be believed listens there."""


class Response:
    """Its head is there; `chunks` is its body as it comes. `headers` in lower case."""

    __slots__ = ("_failure", "_loop", "_parts", "_size", "_wake", "began", "headers", "is_complete", "status", "wire")

    def __init__(self, wire: "Wire", loop: asyncio.AbstractEventLoop) -> None:
        self.wire, self._loop = wire, loop
        self.status = 0
        self.headers: dict[str, str] = {}
        self.is_complete = False
        self.began: asyncio.Future[None] = loop.create_future()
        self._parts: list[bytes] = []
        self._size = 0
        self._failure: HttpFailure | None = None
        self._wake: asyncio.Future[None] | None = None

    @property
    def waiting_bytes(self) -> int:
        """Of the body, that came and were not read yet."""
        return self._size

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    async def chunks(self) -> AsyncIterator[bytes]:
        """Raises HttpFailure when it breaks off."""
        while True:
            if self._parts:
                chunk = b"".join(self._parts) if len(self._parts) > 1 else self._parts[0]
                self._parts.clear()
                self._size = 0
                self.wire.go_on()
                yield chunk
            elif self._failure is not None:
                raise self._failure
            elif self.is_complete:
                return
            else:
                self._wake = self._loop.create_future()
                await self._wake

    def begin(self, status: int) -> None:
        self.status = status
        if not self.began.done():
            self.began.set_result(None)

    def add(self, part: bytes) -> bool:
        """Whether there is enough for now."""
        self._parts.append(part)
        self._size += len(part)
        self._rouse()
        return self._size > PAUSE_BYTES

    def complete(self) -> None:
        self.is_complete = True
        self._rouse()

    def fail(self, failure: HttpFailure) -> None:
        if self.is_complete or self._failure is not None:
            return
        self._failure = failure
        if not self.began.done():
            self.began.set_exception(failure)
        self._rouse()

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


class Wire(asyncio.Protocol):
    """`ask`, wait until the answer began, read it, and ask again if `is_reusable`. Words nobody asked for end it: they
    would be taken for the answer to what is asked next.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._response: Response | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._bytes = self._body_bytes = 0  # of one answer
        self._is_interim = self._is_paused = self._is_kept = False
        self.is_closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    @property
    def is_reusable(self) -> bool:
        return self._is_kept and not self.is_closed and (self._response is None or self._response.is_complete)

    @property
    def kept_s(self) -> float:
        """How long it may stay silent: the server says so, or is one of the many that do not."""
        said = self._response.headers.get("keep-alive", "") if self._response is not None else ""
        for part in said.split(","):
            name, _, value = part.strip().partition("=")
            if name.lower() == "timeout" and value.isdecimal():
                return min(float(value) - 1, KEPT_AT_MOST_S)
        return KEPT_S

    def ask(self, message: bytes) -> Response:
        """Head and body of a request as they are sent."""
        self._response = response = Response(self, self._loop)
        self._bytes = self._body_bytes = 0
        self._is_kept = False
        if self._transport is None or self.is_closed:
            response.fail(HttpFailure("the connection is closed"))
        else:
            self._transport.write(message)
        return response

    def abort(self) -> None:
        self.is_closed = True
        if self._transport is not None:
            self._transport.abort()

    def go_on(self) -> None:
        if self._is_paused and self._transport is not None and not self.is_closed:
            self._is_paused = False
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        response = self._response
        if response is None or response.is_complete:
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._break(f"its answer is no HTTP: {error}")
            return
        self._bytes += len(data)
        if self._bytes > MAX_HEAD_BYTES + FRAMING * self._body_bytes:
            self._break(f"what stands around the body of its answer is longer than {MAX_HEAD_BYTES} bytes")

    def eof_received(self) -> None:
        """It is closed on both sides then."""

    def connection_lost(self, error: Exception | None) -> None:
        self.is_closed = True
        response = self._response
        if response is None or response.is_complete:
            return
        if error is None and response.status and is_until_end(response.headers):
            response.complete()
        else:
            words = "the answer broke off" if response.status else "it closed the connection without an answer"
            response.fail(HttpFailure(words if error is None else f"{words}: {error}"))

    def _break(self, words: str) -> None:
        self.abort()
        if self._response is not None:
            self._response.fail(HttpFailure(words))

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self._response is None or self._response.is_complete:
            self.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        response = self._response
        if response is None or response.status:  # of a trailer, or of nothing that was asked for
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        response.headers[key] = f"{response.headers[key]}, {text}" if key in response.headers else text

    def on_headers_complete(self) -> None:
        response, status = self._response, self._parser.get_status_code()
        if response is None or response.is_complete:
            return
        self._is_interim = 100 <= status < 200
        if self._is_interim:
            response.headers.clear()
        else:
            response.begin(status)

    def on_body(self, part: bytes) -> None:
        response = self._response
        self._body_bytes += len(part)
        if response is None or response.is_complete or self._is_interim:
            return
        if response.add(part) and self._transport is not None and not (self._is_paused or self.is_closed):
            self._is_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._is_interim or self._response is None:
            return
        self._is_kept = self._parser.should_keep_alive()
        self._response.complete()


def is_until_end(headers: dict[str, str]) -> bool:
    """A body whose length is told by nothing but the end of the connection."""
    return "content-length" not in headers and "chunked" not in headers.get("transfer-encoding", "").lower()
