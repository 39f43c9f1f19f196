"""Whose page asks, and for which host: against pages that make a name of theirs mean our address (DNS rebinding)."""

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from bridge.gateway.refusal import CODES, Refusal

Header = tuple[bytes, bytes]
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
METHODS = b"GET, POST, DELETE, OPTIONS"
ASKED = (
    b"authorization, content-type, accept, last-event-id, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name, "
    b"x-request-id, x-priority, x-timeout"
)
SHOWN = b"mcp-session-id, mcp-protocol-version, www-authenticate, retry-after, ratelimit, ratelimit-policy, x-cache"
MAX_AGE = b"600"
VARY: Header = (b"vary", b"origin")
MAX_REMEMBERED = 1000


class Origins:
    """`hosts`: names the gateway answers to, with or without a port (without: any port). `origins`: whose pages may
    call it (`https://app.example.com`, or `*` for all). Pages of the very hosts may, too. Without hosts: loopback.
    """

    def __init__(self, *, hosts: Collection[str], origins: Collection[str]) -> None:
        self._hosts = frozenset(host.lower() for host in (hosts or LOOPBACK))
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self._good_hosts: set[bytes] = set()
        self._good_origins: set[bytes] = set()

    def check(self, scope: Mapping[str, Any]) -> tuple[Header, ...]:
        """The CORS headers of the answer. Raises Refusal 421 for a foreign Host, 403 for a foreign Origin."""
        host, origin = b"", None
        for name, value in scope["headers"]:
            if name == b"host":
                host = value
            elif name == b"origin":
                origin = value
        return self.admit(host, origin)

    def admit(self, host: bytes, origin: bytes | None) -> tuple[Header, ...]:
        """As `check` does, of headers that were read already."""
        if host not in self._good_hosts:
            self._check_host(host)
        if origin is None:
            return ()
        if origin not in self._good_origins:
            self._check_origin(origin)
        return (b"access-control-allow-origin", origin), (b"access-control-expose-headers", SHOWN), VARY

    def preflight(self, scope: Mapping[str, Any]) -> tuple[Header, ...] | None:
        """The headers that answer a preflight (204); None: it is none. Raises Refusal as `check` does."""
        if scope["method"] != "OPTIONS":
            return None
        names = {name for name, _ in scope["headers"]}
        if not {b"origin", b"access-control-request-method"} <= names:
            return None
        return (
            *self.check(scope),
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", ASKED),
            (b"access-control-max-age", MAX_AGE),
        )

    def _check_host(self, host: bytes) -> None:
        name = host.decode("latin-1").lower()
        if name not in self._hosts and strip_port(name) not in self._hosts:
            raise Refusal(
                "misdirected",
                "The gateway does not answer to this host name (MCP_ALLOWED_HOSTS).",
                status=421,
                code=CODES["forbidden"],
            )
        remember(self._good_hosts, host)

    def _check_origin(self, origin: bytes) -> None:
        text = origin.decode("latin-1").lower()
        if "*" not in self._origins and text not in self._origins and not self._is_own(text):
            raise Refusal(
                "foreign-origin",
                "Pages of this origin may not call the gateway (MCP_ALLOWED_ORIGINS).",
                status=403,
                code=CODES["forbidden"],
            )
        remember(self._good_origins, origin)

    def _is_own(self, origin: str) -> bool:
        try:
            parts = urlsplit(origin)
        except ValueError:  # brackets that do not close
            return False
        return parts.scheme in {"http", "https"} and (
            parts.netloc in self._hosts or strip_port(parts.netloc) in self._hosts
        )


def strip_port(host: str) -> str:
    """`[::1]:8001` and `localhost:8001` without their ports."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() and (not name.startswith("[") or name.endswith("]")) else host


def remember(good: set[bytes], value: bytes) -> None:
    """Bounded: of one host there may be as many spellings as ports."""
    if len(good) >= MAX_REMEMBERED:
        good.clear()
    good.add(value)
