"""Requests to addresses that others gave us: webhooks and connectors. They reach public hosts, and nothing of ours.

The guard stands where the connection is made: the name is resolved there, every address it has must be public, and one
of these very addresses is connected to. A name that means something else a moment later wins nothing by it.
"""

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from types import TracebackType
from typing import Any, Self

import httpcore
import httpx

PORTS = frozenset({443, 8443})
MAX_ANSWER_BYTES = 1 << 20
TIMEOUT = httpx.Timeout(10, connect=5)
BUDGET_S = 30.0
# All that is given to hosts of the public internet (RFC 4291): translated, mapped and local forms lie outside.
_GLOBAL_UNICAST = ip_network("2000::/3")
# Global by name, but they lead inside or nowhere: 6to4, Teredo, protocol assignments, 6to4 relays, documentation.
_TRAPS = tuple(ip_network(text) for text in ("2002::/16", "2001::/32", "192.0.0.0/24", "192.88.99.0/24", "3fff::/20"))
# Labels, and a last one that no number form of an address has; not the inner ones (RFC 6761, 6762, 8375, ICANN).
_PUBLIC_NAME = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+"
    r"(?!(?:localhost|local|internal|arpa)\.?$)[a-z](?:[a-z0-9-]{0,61}[a-z0-9])\.?"
)
Resolve = Callable[[str, int], Iterable[str]]


class UnsafeTargetError(Exception):
    """The address is none that a stranger may send us to."""


class AnswerTooLargeError(Exception):
    """The answer is longer than we read, or takes longer than we wait."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Where requests may go. `trusted` are (host, port) pairs of our own, which the operator configures."""

    ports: frozenset[int] = PORTS
    trusted: frozenset[tuple[str, int]] = frozenset()

    def check_url(self, url: httpx.URL) -> None:
        """Raises UnsafeTargetError for all that can be seen without asking for the name."""
        if (url.host, find_port(url)) in self.trusted:
            return
        if url.scheme != "https":
            raise UnsafeTargetError(f"{url.scheme}:// is not offered: give an https:// address")
        if url.userinfo:
            raise UnsafeTargetError("an address must not hold a name or a password")
        if not url.host or find_port(url) not in self.ports:
            raise UnsafeTargetError(f"the port must be one of {', '.join(map(str, sorted(self.ports)))}")

    def check_address(self, address: str) -> None:
        """One that is kept for later, in form alone: what its name leads to is checked when it is connected to.

        Raises UnsafeTargetError for what `check_url` refuses, and for hosts that are not public by their very form.
        """
        url = read_url(address)
        self.check_url(url)
        if (url.host, find_port(url)) not in self.trusted and not is_public_host(url.raw_host.decode("ascii")):
            raise UnsafeTargetError(f"{url.host} is not public")

    def check_addresses(self, host: str, addresses: list[str]) -> None:
        """Raises UnsafeTargetError unless there are some and every one is public."""
        if not addresses:
            raise UnsafeTargetError(f"{host} has no address")
        for address in addresses:
            if not is_public(address):
                raise UnsafeTargetError(f"{host} leads to {address}, which is not public")


def is_public(address: str) -> bool:
    """Whether the address belongs to a host of the public internet."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if isinstance(ip, IPv6Address) and ip not in _GLOBAL_UNICAST:
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in trap for trap in _TRAPS)


def is_public_host(host: str) -> bool:
    """Whether it could be: a public address, or a name below a public top-level domain."""
    try:
        return is_public(host)
    except ValueError:
        return bool(_PUBLIC_NAME.fullmatch(host.lower()))


def read_url(address: str) -> httpx.URL:
    """Raises UnsafeTargetError for text that is no address, a host of broken punycode included."""
    try:
        url = httpx.URL(address)
        _ = url.host  # httpx decodes the name when it is read
    except (httpx.InvalidURL, UnicodeError) as error:
        raise UnsafeTargetError(f"this is no address: {error}") from error
    return url


def find_port(url: httpx.URL) -> int:
    """0, which no guard lets through, where the scheme has none."""
    return {"http": 80, "https": 443}.get(url.scheme, 0) if url.port is None else url.port


def resolve_name(host: str, port: int) -> list[str]:
    """Every address of the name, in the order of the system. Raises UnsafeTargetError when it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnsafeTargetError(f"{host} cannot be resolved") from error
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


class GuardedBackend(httpcore.NetworkBackend):
    """Resolves, checks, and connects to what was checked. TLS and the Host header keep the name."""

    def __init__(self, guard: Guard, resolve: Resolve, network: httpcore.NetworkBackend) -> None:
        self._guard = guard
        self._resolve = resolve
        self._network = network

    def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> httpcore.NetworkStream:
        addresses = list(self._resolve(host, port))
        if (host, port) not in self._guard.trusted:
            self._guard.check_addresses(host, addresses)
        for address in addresses[:-1]:
            try:
                return self._network.connect_tcp(address, port, *args, **options)
            except httpcore.ConnectError:
                continue  # the next one may answer
        return self._network.connect_tcp(addresses[-1], port, *args, **options)


class GuardedTransport(httpx.HTTPTransport):
    """httpx's transport over a guarded backend. It knows no proxies and no environment."""

    def __init__(self, backend: GuardedBackend, guard: Guard, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls, trust_env=False)
        self._pool = httpcore.ConnectionPool(ssl_context=tls, network_backend=backend, max_connections=20)
        self._guard = guard

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._guard.check_url(request.url)
        return super().handle_request(request)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, a redirect included: none is followed."""

    status: int
    headers: httpx.Headers
    body: bytes


class GuardedClient:
    """HTTP to strangers. `request` raises UnsafeTargetError, AnswerTooLargeError or httpx.HTTPError."""

    def __init__(  # noqa: PLR0913 - each with a default that is safe
        self,
        guard: Guard | None = None,
        *,
        resolve: Resolve = resolve_name,
        network: httpcore.NetworkBackend | None = None,
        tls: ssl.SSLContext | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        cuts_answer: bool = False,
    ) -> None:
        """`cuts_answer`: the status counts, and what the body has beyond the limits is left unread."""
        guard = guard or Guard()
        backend = GuardedBackend(guard, resolve, network or httpcore.SyncBackend())
        transport = GuardedTransport(backend, guard, tls or httpx.create_ssl_context(trust_env=False))
        self._client = httpx.Client(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)
        self._max_answer_bytes = max_answer_bytes
        self._cuts_answer = cuts_answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def request(
        self, method: str, url: str, *, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One exchange: at most `max_answer_bytes` and BUDGET_S, as it is on the wire (no compression is asked for)."""
        deadline_s = time.monotonic() + BUDGET_S
        sent = {"Accept-Encoding": "identity"} | dict(headers or {})
        with self._client.stream(method, read_url(url), content=content, headers=sent) as response:
            read = self._read_beginning if self._cuts_answer else self._read
            return Answer(response.status_code, response.headers, read(response, deadline_s))

    def _read_beginning(self, response: httpx.Response, deadline_s: float) -> bytes:
        body = bytearray()
        with suppress(httpx.HTTPError):  # it breaks off, or takes too long: the status is here
            for chunk in response.iter_raw(self._max_answer_bytes):
                body += chunk
                if len(body) >= self._max_answer_bytes or time.monotonic() > deadline_s:
                    break
        return bytes(body[: self._max_answer_bytes])

    def _read(self, response: httpx.Response, deadline_s: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_raw(65_536):
            body += chunk
            if len(body) > self._max_answer_bytes:
                raise AnswerTooLargeError(f"the answer is longer than {self._max_answer_bytes} bytes")
            if time.monotonic() > deadline_s:
                raise AnswerTooLargeError(f"the answer took longer than {BUDGET_S:.0f} seconds")
        return bytes(body)
