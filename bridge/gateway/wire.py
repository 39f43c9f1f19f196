"""HTTP as uvicorn speaks it, with less around each request: a plain answer is one write, a head that was read before is
not parsed again, and a connection has one timer for all the silences in it.
"""

import asyncio
import urllib.parse
from collections import deque
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from bridge.gateway.heads import Head, learn
from bridge.gateway.inbound import WIRE
from bridge.gateway.stream import Header

JSON = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n"
MOST_HEADS = 4  # that a connection remembers
LINES = 4  # of a head without other headers: the status, those two, and the end


class Cycle(RequestResponseCycle):
    """One request and its answer: an `inbound.Wire`."""

    names: dict[bytes, bytes]  # the headers by name, of those that stand there twice the last
    task: asyncio.Task[None]
    _is_watched = False

    def start(self, app: Any, *, under_way: set[asyncio.Task[None]]) -> None:
        """As a task, which is among those `under_way` as long as it lasts."""
        self._under_way = under_way
        self.task = asyncio.get_running_loop().create_task(app(self.scope, self.receive, self.send))
        self.task.add_done_callback(self._end)
        under_way.add(self.task)

    def _end(self, task: asyncio.Task[None]) -> None:
        """The application answers for its own faults: where there is no whole answer the connection ends."""
        self._under_way.discard(task)
        self.on_response = forget
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.logger.error("the application failed", exc_info=error)
        if not (self.response_complete or self.disconnected):
            self.transport.close()

    def has_left(self) -> bool:
        """Who has sent much at once is not read until somebody asks for more, and only reading tells that he left."""
        if not self._is_watched:
            self._is_watched = True
            self.flow.resume_reading()
        return bool(self.disconnected)

    def take_body(self) -> bytes | None:
        if self.more_body or self.disconnected or self.response_started:
            return None
        body, self.body = bytes(self.body), bytearray()
        self.message_event.clear()
        return body

    def reply(self, status: int, *, headers: tuple[Header, ...], body: bytes) -> bool:
        """All of an answer of JSON at once, without waiting; False where only `send` can do it, and nothing was done.

        Raises RuntimeError for a header that would be more than one.
        """
        if self.response_started or self.disconnected or not self.keep_alive or self.flow.write_paused:
            return False
        parts = [STATUS_LINE[status]]
        for name, value in headers:
            if name == b"connection":
                return False
            parts += (name, b": ", value, b"\r\n")
        parts.append(JSON % len(body))
        head = b"".join(parts)
        lines = LINES + len(headers)
        if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
            raise RuntimeError("a header holds the end of a line")
        self.response_started = self.response_complete = True
        self.transport.write(head + body)
        self.message_event.set()
        self.on_response()
        return True


def forget() -> None:
    """The connection, so that nothing is held by what is over."""


class Protocol(HttpToolsProtocol):
    """One connection of a client."""

    _path: tuple[bytes, str, bytes, bytes] = (b"", "", b"", b"")  # the URL last seen, and what it says
    _silent_since_s: float | None = None
    _heads: deque[Head] | None = None

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        is_between = before is None or (before.scope is self.scope and not before.more_body)
        if is_between and self._heads is not None and before.response_complete and self._take_known(data):
            return
        super().data_received(data)
        cycle = self.cycle
        if is_between and cycle is not before and cycle.scope is self.scope and not cycle.more_body:
            self._remember(data, cycle)

    def _take_known(self, data: bytes) -> bool:
        """Whether it is a whole request with a head that was read before."""
        for head in self._heads or ():
            body = head.find_body(data)
            if body is not None:
                self._silent_since_s, self.expect_100_continue = None, False
                self.scope = head.write_scope(len(body), state=self.app_state)
                self.cycle = cycle = self._begin(head.write_names(len(body)), is_kept=True)
                cycle.body += body
                cycle.more_body = False
                self._start_asgi_task(cycle, self.app)
                return True
        return False

    def _remember(self, data: bytes, cycle: RequestResponseCycle) -> None:
        head = learn(data, self.scope) if cycle.keep_alive else None  # type: ignore[arg-type]
        if head is not None:
            self._heads = self._heads or deque(maxlen=MOST_HEADS)
            self._heads.appendleft(head)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        cycle.start(app, under_way=self.tasks)

    def _begin(self, names: dict[bytes, bytes], *, is_kept: bool) -> Cycle:
        cycle = Cycle(
            self.scope, self.transport, self.flow, self.logger, self.access_logger, self.access_log,
            self.server_state.default_headers, asyncio.Event(), self.expect_100_continue, is_kept,
            self.on_response_complete,
        )  # fmt: skip
        cycle.names = names
        self.scope[WIRE] = cycle  # type: ignore[literal-required]
        return cycle

    def on_headers_complete(self) -> None:
        parser, scope, before = self.parser, self.scope, self.cycle
        if parser.should_upgrade() or self.limit_concurrency is not None:
            super().on_headers_complete()
            return
        version = scope["http_version"] = parser.get_http_version()
        scope["method"] = parser.get_method().decode("ascii")
        if self.url != self._path[0]:
            self._path = split_url(self.url)
        _, scope["path"], scope["raw_path"], scope["query_string"] = self._path
        self.cycle = cycle = self._begin(dict(self.headers), is_kept=version != "1.0" and parser.should_keep_alive())
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def on_response_complete(self) -> None:
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._silent_since_s = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def _unset_keepalive_if_required(self) -> None:
        """It speaks: the timer goes on, and will find that there is nothing to do."""
        self._silent_since_s = None

    def _look(self) -> None:
        self.timeout_keep_alive_task = None
        if self._silent_since_s is None:
            return  # until the answer to what is under way
        left_s = self._silent_since_s + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left_s, self._look)
        else:
            self.timeout_keep_alive_handler()


def split_url(url: bytes) -> tuple[bytes, str, bytes, bytes]:
    """Itself, the path, the path as it was written, the query."""
    parsed = httptools.parse_url(url)
    path = parsed.path.decode("ascii")
    return url, urllib.parse.unquote(path) if "%" in path else path, parsed.path, parsed.query or b""
