"""The outward client of the gateway: HTTP/1.1 to public hosts, and to a trusted server where it lies.

It knows no proxies, no environment and no cookies, follows no redirect, and asks for nothing compressed.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple
from urllib.parse import urlencode

from bridge.sources.http.guard import CONNECT_S, Resolve, connect, make_tls, resolve_name
from bridge.sources.http.wire import HttpFailure, NotReached, Response, Wire
from mcp_saas.kit.http import Guard, find_port, read_url
from mcp_saas.kit.version import VERSION

KEPT = 64  # silent connections
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\U0010ffff]*")
DEFAULTS = {"Accept-Encoding": "identity", "User-Agent": f"dazbox/{VERSION}"}
OURS = frozenset({"connection", "content-length", "host", "transfer-encoding"})  # where a message ends, and whose it is


class Place(NamedTuple):
    """What a connection leads to."""

    scheme: str
    host: str  # as a certificate has it
    port: int
    is_trusted: bool


class Target(NamedTuple):
    """A URL that may be asked."""

    url: str
    place: Place
    start: str  # of the head, behind the method


class Client:
    """`trusted`: URLs whose host and port need not be public. Raises UnsafeTargetError for one that is none."""

    def __init__(
        self, trusted: Iterable[str], *, resolve: Resolve = resolve_name, tls: ssl.SSLContext | None = None
    ) -> None:
        places = frozenset((url.host, find_port(url)) for url in map(read_url, trusted))
        self._guard, self._resolve = Guard(trusted=places), resolve
        self._tls = tls or make_tls()
        self._silent: dict[Wire, tuple[Place, float]] = {}  # and until when
        self._busy: set[Wire] = set()
        self._sweep: asyncio.TimerHandle | None = None

    def aim(self, url: str) -> Target:
        """Raises UnsafeTargetError for a URL that nobody may be sent to."""
        read = read_url(url)
        self._guard.check_url(read)
        host, port = read.raw_host.decode("ascii"), find_port(read)
        place = Place(read.scheme, host, port, (read.host, port) in self._guard.trusted)
        path = read.raw_path.decode("ascii")
        return Target(url, place, f" {path} HTTP/1.1\r\nHost: {read.netloc.decode('ascii')}\r\n")

    @asynccontextmanager
    async def open(
        self, method: str, target: Target, *, headers: Mapping[str, str], content: bytes | None = None
    ) -> AsyncIterator[Response]:
        """The answer once its head is there. Leaving ends it. Raises HttpFailure, UnsafeTargetError."""
        message = write_message(method, target, headers=headers, content=content)
        wire = self._find_silent(target.place) or await self._connect(target.place)
        self._busy.add(wire)
        try:
            response = wire.ask(message)
            await response.began
            yield response
        finally:
            self._busy.discard(wire)
            self._give_back(wire, target.place)

    @property
    def silent(self) -> tuple[Wire, ...]:
        """Connections that wait to be used again."""
        return tuple(self._silent)

    async def close(self) -> None:
        if self._sweep is not None:
            self._sweep.cancel()
        for wire in (*self._silent, *self._busy):
            wire.abort()
        self._silent.clear()

    async def _connect(self, place: Place) -> Wire:
        """Raises HttpFailure, UnsafeTargetError."""
        tls = self._tls if place.scheme == "https" else None
        guard = None if place.is_trusted else self._guard
        try:
            async with asyncio.timeout(CONNECT_S):
                addresses = await self._resolve(place.host, place.port)
                if guard is not None:
                    guard.check_addresses(place.host, addresses)
                return await connect(Wire, addresses, port=place.port, tls=tls, host=place.host)
        except TimeoutError:
            raise HttpFailure(f"no connection within {CONNECT_S:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise NotReached(f"its certificate is not accepted: {error.verify_message}") from error
        except OSError as error:
            raise NotReached(error.strerror or str(error) or type(error).__name__) from error

    def _find_silent(self, place: Place) -> Wire | None:
        """The one that was used last: the others may end."""
        now = asyncio.get_running_loop().time()
        for wire in reversed(tuple(self._silent)):
            at, until = self._silent[wire]
            if wire.is_closed or until <= now:
                del self._silent[wire]
                wire.abort()
            elif at == place:
                del self._silent[wire]
                return wire
        return None

    def _give_back(self, wire: Wire, place: Place) -> None:
        if not wire.is_reusable or len(self._silent) >= KEPT:
            wire.abort()
            return
        loop = asyncio.get_running_loop()
        self._silent[wire] = place, loop.time() + wire.kept_s
        if self._sweep is None:
            self._sweep = loop.call_later(wire.kept_s, self._sweep_out)

    def _sweep_out(self) -> None:
        """Connections that were silent for too long."""
        loop = asyncio.get_running_loop()
        for wire, (_, until) in tuple(self._silent.items()):
            if wire.is_closed or until <= loop.time():
                del self._silent[wire]
                wire.abort()
        self._sweep = loop.call_later(1.0, self._sweep_out) if self._silent else None


def write_message(method: str, target: Target, *, headers: Mapping[str, str], content: bytes | None) -> bytes:
    """Raises HttpFailure for a header that no header can be."""
    lines = [method, target.start]
    for name, value in headers.items():
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise HttpFailure(f"the header {name[:40]!r} has a character that no header may have")
        lines.append(f"{name}: {value}\r\n")
    if content is not None:
        lines.append(f"Content-Length: {len(content)}\r\n")
    lines.append("\r\n")
    return "".join(lines).encode() + (content or b"")


def set_defaults(headers: Mapping[str, str]) -> dict[str, str]:
    """An operator's headers, and ours where he gives none. Raises HttpFailure for one that is not his to give."""
    given = {name.lower() for name in headers}
    if strange := given & OURS:
        raise HttpFailure(f"the header {min(strange)} is not given with a server: its URL and its messages say it")
    return {name: value for name, value in DEFAULTS.items() if name.lower() not in given} | dict(headers)


def write_form(form: Mapping[str, str]) -> bytes:
    return urlencode(form).encode()
