"""Scripts in Redis, each call over a connection of its thread's own.

The client's way there (a pool with its locks, retries, observers) costs three times what the call itself does, and
scripts are what every request begins with. So the client opens the connection, and the rest is two calls of the kernel.
"""

import os
import socket
import struct
import threading
from contextlib import suppress
from typing import Any

import hiredis
import redis
from redis._parsers.base import BaseParser
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import InvalidResponse, NoScriptError
from redis.exceptions import TimeoutError as LateError

Argument = str | int | float | bytes
CHUNK_BYTES = 1 << 16
_MORE = object()  # is still to come
_INTERVAL = struct.Struct("ll")  # seconds and microseconds: a `timeval`


class Link:
    """One connection: the client has chosen the address, spoken TLS, signed in and taken the database."""

    def __init__(self, opened: Any) -> None:
        """Raises RedisError."""
        opened.connect()
        self._opened = opened  # it closes the socket when it goes
        self._socket: socket.socket = opened._sock  # noqa: SLF001 - the client lends it to nobody
        self._reader = hiredis.Reader(
            protocolError=InvalidResponse, replyError=BaseParser.parse_error, notEnoughData=_MORE
        )
        if type(self._socket) is socket.socket and self._socket.gettimeout():
            _wait_in_kernel(self._socket)

    def ask(self, command: tuple[Argument, ...]) -> Any:
        """Raises RedisError. After LostError and LateError it is of no more use."""
        try:
            self._socket.sendall(hiredis.pack_command(command))  # type: ignore[arg-type]  # of any length
            answer = self._read()
        except (TimeoutError, BlockingIOError) as error:
            raise LateError(f"Redis did not answer in time: {error}") from error
        except OSError as error:
            raise LostError(f"the connection to Redis is lost: {error}") from error
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _read(self) -> Any:
        while True:
            answer = self._reader.gets()
            if answer is _MORE:
                chunk = self._socket.recv(CHUNK_BYTES)
                if not chunk:
                    raise LostError("Redis closed the connection")
                self._reader.feed(chunk)
            elif not isinstance(answer, hiredis.PushNotification):
                return answer

    def close(self) -> None:
        with suppress(OSError):
            self._opened.disconnect()


def _wait_in_kernel(open_socket: socket.socket) -> None:
    """Python asks whether a socket with a timeout is ready before each use of it; the kernel ends the use itself."""
    timeout_s = open_socket.gettimeout() or 0.0
    open_socket.settimeout(None)
    interval = _INTERVAL.pack(int(timeout_s), int(timeout_s % 1 * 1e6))
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        open_socket.setsockopt(socket.SOL_SOCKET, option, interval)


class Line:
    """To one Redis. Threads and forked processes each have a link of their own."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._own = threading.local()

    def ask(self, *command: Argument) -> Any:
        """Raises RedisError. A link that was lost since it was used last is made again, once."""
        pool = self._client.connection_pool
        owner = (os.getpid(), pool)
        known, link = getattr(self._own, "link", (None, None))
        if known == owner and link is not None:
            try:
                return self._ask(link, command)
            except LostError:
                pass
        link = Link(pool.connection_class(**pool.connection_kwargs))
        self._own.link = owner, link
        return self._ask(link, command)

    def _ask(self, link: Link, command: tuple[Argument, ...]) -> Any:
        try:
            return link.ask(command)
        except (LostError, LateError, InvalidResponse):
            self._own.link = None, None
            link.close()
            raise


class Script:
    """Sent whole where Redis does not know it, else by its name."""

    def __init__(self, line: Line, text: str) -> None:
        self._line, self._text = line, text
        self._name: str | None = None

    def __call__(self, *, keys: tuple[str, ...], args: tuple[Argument, ...]) -> Any:
        """Raises RedisError."""
        try:
            if self._name is not None:
                return self._line.ask("EVALSHA", self._name, len(keys), *keys, *args)
        except NoScriptError:
            pass
        self._name = self._line.ask("SCRIPT", "LOAD", self._text).decode()
        return self._line.ask("EVALSHA", self._name, len(keys), *keys, *args)
