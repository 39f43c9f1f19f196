"""The outward client of the gateway: it connects to public hosts, and to a trusted server where it lies."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from typing import Any

import httpcore
import httpx

from mcp_saas.kit.http import Guard, UnsafeTargetError, find_port, read_url

Resolve = Callable[[str, int], Awaitable[list[str]]]
CONNECT_S, WRITE_S, POOL_S = 10.0, 30.0, 10.0
KEEP_ALIVE_S = 30.0
KEPT = 64


async def resolve_name(host: str, port: int) -> list[str]:
    """Every address of the name. Raises UnsafeTargetError when it has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnsafeTargetError(f"{host} cannot be resolved") from error
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


class GuardedNetwork(httpcore.AnyIOBackend):
    """Resolves, checks, and connects to what was checked (mcp_saas.kit.http). TLS and the Host header keep the name."""

    def __init__(self, guard: Guard, resolve: Resolve) -> None:
        self._guard = guard
        self._resolve = resolve

    async def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        addresses = await self._resolve(host, port)
        if (host, port) not in self._guard.trusted:
            self._guard.check_addresses(host, addresses)
        for address in addresses[:-1]:
            try:
                return await super().connect_tcp(address, port, *args, **options)
            except httpcore.ConnectError:
                continue  # the next one may answer
        return await super().connect_tcp(addresses[-1], port, *args, **options)


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport over a guarded network. It knows no proxies and no environment."""

    def __init__(self, guard: Guard, *, resolve: Resolve, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            network_backend=GuardedNetwork(guard, resolve),
            max_connections=None,
            max_keepalive_connections=KEPT,
            keepalive_expiry=KEEP_ALIVE_S,
        )
        self._guard = guard

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._guard.check_url(request.url)
        return await super().handle_async_request(request)


def make_client(trusted: Iterable[str], *, resolve: Resolve = resolve_name) -> httpx.AsyncClient:
    """`trusted`: URLs whose host and port need not be public. No redirect is followed, no cookie is kept for others."""
    places = frozenset((url.host, find_port(url)) for url in map(read_url, trusted))
    transport = GuardedTransport(Guard(trusted=places), resolve=resolve, tls=make_tls())
    timeout = httpx.Timeout(connect=CONNECT_S, write=WRITE_S, pool=POOL_S, read=None)  # whoever asks waits no longer
    return httpx.AsyncClient(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)


@cache
def make_tls() -> ssl.SSLContext:
    """One for all: reading the certificates of the authorities takes 20 ms and more."""
    return httpx.create_ssl_context(trust_env=False)
