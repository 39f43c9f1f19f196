"""Where the gateway's outward connections go: to what was resolved and checked, and with TLS that is verified."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from functools import cache
from typing import TypeVar

import httpx

from mcp_saas.kit.http import UnsafeTargetError

Resolve = Callable[[str, int], Awaitable[list[str]]]
CONNECT_S = 10.0
P = TypeVar("P", bound=asyncio.Protocol)


async def resolve_name(host: str, port: int) -> list[str]:
    """Every address of the name. Raises UnsafeTargetError when it has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnsafeTargetError(f"{host} cannot be resolved") from error
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


async def connect(
    make: Callable[[], P], addresses: list[str], *, port: int, tls: ssl.SSLContext | None, host: str
) -> P:
    """To the first of these very addresses that answers; the certificate must be the host's. Raises OSError."""
    loop = asyncio.get_running_loop()
    name = host.rstrip(".") if tls is not None else None
    for address in addresses[:-1]:
        try:
            return (await loop.create_connection(make, address, port, ssl=tls, server_hostname=name))[1]
        except ssl.SSLError:
            raise
        except OSError:
            continue  # the next one may answer
    return (await loop.create_connection(make, addresses[-1], port, ssl=tls, server_hostname=name))[1]


@cache
def make_tls() -> ssl.SSLContext:
    """One for all: reading the certificates of the authorities takes 20 ms and more."""
    tls = httpx.create_ssl_context(trust_env=False)
    tls.set_alpn_protocols(["http/1.1"])
    return tls
