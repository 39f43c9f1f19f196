"""Connections that end after a while, however slowly and steadily the other side goes on sending.

A timeout counts from the last byte: a stranger who sends one a second, or answers each request just in time, holds a
worker for ever.
"""

import ssl
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import httpcore


class Timeouts(NamedTuple):
    """What is raised when the time is over: httpcore's errors, or those of a library made like it."""

    connect: type[Exception] = httpcore.ConnectTimeout
    read: type[Exception] = httpcore.ReadTimeout
    write: type[Exception] = httpcore.WriteTimeout


HTTPCORE = Timeouts()


class DeadlineBackend(httpcore.NetworkBackend):
    """All connections of `network` together are good for `lifetime_s` seconds from now, TLS handshakes included."""

    def __init__(
        self,
        network: httpcore.NetworkBackend,
        lifetime_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        timeouts: Timeouts = HTTPCORE,
    ) -> None:
        self._network = network
        self._timeouts = timeouts
        self._ends_at_s = clock() + lifetime_s
        self._clock = clock

    def connect_tcp(self, *args: Any, **options: Any) -> httpcore.NetworkStream:
        if self._clock() >= self._ends_at_s:
            raise self._timeouts.read("the time for all connections is over")
        stream = self._network.connect_tcp(*args, **options)
        return DeadlineStream(stream, self._ends_at_s, clock=self._clock, timeouts=self._timeouts)


class DeadlineStream(httpcore.NetworkStream):
    """Raises `timeouts` once its time is over."""

    def __init__(
        self, stream: httpcore.NetworkStream, ends_at_s: float, *, clock: Callable[[], float], timeouts: Timeouts
    ) -> None:
        self._stream = stream
        self._timeouts = timeouts
        self._ends_at_s = ends_at_s
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._shorten(timeout, self._timeouts.read))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._shorten(timeout, self._timeouts.write))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        shortened = self._shorten(timeout, self._timeouts.connect)
        secured = self._stream.start_tls(ssl_context, server_hostname, shortened)
        return DeadlineStream(secured, self._ends_at_s, clock=self._clock, timeouts=self._timeouts)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _shorten(self, timeout: float | None, error: type[Exception]) -> float:
        left_s = self._ends_at_s - self._clock()
        if left_s <= 0:
            raise error("the connection's time is over")
        return left_s if timeout is None else min(timeout, left_s)
