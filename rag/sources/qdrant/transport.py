"""How requests to Qdrant travel: httpx's, carried by the standard library, which takes half as long as httpx's own.

HTTP/1.1 over TCP or TLS. What goes wrong is raised as httpx would raise it.
"""

import contextlib
import http.client
import select
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import httpx

KEPT_S = 5.0  # a connection that nobody uses; a firewall may have forgotten an older one
MOST_KEPT = 16


class Origin(NamedTuple):
    scheme: str
    host: str
    port: int | None


class Kept(NamedTuple):
    connection: http.client.HTTPConnection
    since_s: float


class PlainTransport(httpx.BaseTransport):
    """Any number of threads may use one: each request has a connection to itself."""

    def __init__(self) -> None:
        self._kept: defaultdict[Origin, list[Kept]] = defaultdict(list)
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.TransportError."""
        origin = Origin(request.url.scheme, request.url.host, request.url.port)
        timeout = request.extensions.get("timeout", {})
        connection = self._take(origin) or self._connect(origin, timeout_s=timeout.get("connect"))
        try:
            with _told_by_httpx():
                connection.sock.settimeout(timeout.get("read"))
                response = _exchange(connection, request)
        except BaseException:
            connection.close()
            raise
        self._keep(origin, connection)
        return response

    def close(self) -> None:
        with self._lock:
            kept = [one for listed in self._kept.values() for one in listed]
            self._kept.clear()
        for connection, _ in kept:
            connection.close()

    def _take(self, origin: Origin) -> http.client.HTTPConnection | None:
        """One that was used last, and that the other side has not closed meanwhile."""
        while True:
            with self._lock:
                if not self._kept[origin]:
                    return None
                connection, since_s = self._kept[origin].pop()
            if time.monotonic() - since_s < KEPT_S and _is_quiet(connection):
                return connection
            connection.close()

    def _keep(self, origin: Origin, connection: http.client.HTTPConnection) -> None:
        if connection.sock is None:  # the other side said that it was the last answer
            return
        with self._lock:
            if len(self._kept[origin]) < MOST_KEPT:
                self._kept[origin].append(Kept(connection, time.monotonic()))
                return
        connection.close()

    def _connect(self, origin: Origin, *, timeout_s: float | None) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection
        if origin.scheme == "https":
            connection = http.client.HTTPSConnection(
                origin.host, origin.port, timeout=timeout_s, context=self._find_tls()
            )
        else:
            connection = http.client.HTTPConnection(origin.host, origin.port, timeout=timeout_s)
        try:
            connection.connect()
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        return connection

    def _find_tls(self) -> ssl.SSLContext:
        """Made once: it reads all authorities that are trusted."""
        with self._lock:
            if self._tls is None:
                self._tls = httpx.create_ssl_context(trust_env=False)
            return self._tls


def _exchange(connection: http.client.HTTPConnection, request: httpx.Request) -> httpx.Response:
    """Head and body leave as one: the other side is not woken for a head alone."""
    connection.send(_write_head(request) + request.read())
    answer = http.client.HTTPResponse(connection.sock, method=request.method)
    answer.begin()
    content = answer.read()
    if answer.will_close:
        connection.close()
    reason = {"reason_phrase": answer.reason.encode("ascii", "replace")}
    return httpx.Response(answer.status, headers=answer.getheaders(), content=content, extensions=reason)


def _write_head(request: httpx.Request) -> bytes:
    lines = [b"%b: %b" % field for field in request.headers.raw]
    if any(b"\n" in line or b"\r" in line for line in lines):
        raise httpx.LocalProtocolError("a header of several lines")
    first = b"%b %b HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)
    return b"\r\n".join([first, *lines, b"", b""])


def _is_quiet(connection: http.client.HTTPConnection) -> bool:
    """Nothing was said since: neither goodbye nor what nobody asked for."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return not poll.poll(0)


@contextlib.contextmanager
def _told_by_httpx() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise httpx.ReadTimeout("no answer in time") from error
    except http.client.HTTPException as error:
        raise httpx.RemoteProtocolError(f"{type(error).__name__}: {error}") from error
    except OSError as error:
        raise httpx.ReadError(str(error)) from error
