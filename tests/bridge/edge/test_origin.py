"""A page that makes a name of its own mean our address reaches nothing."""

from typing import Any

import pytest

from bridge.gateway.door.origin import Origins
from bridge.gateway.refusal import Refusal

LOCAL = Origins(hosts=(), origins=())
PUBLIC = Origins(hosts=("mcp.example.com", "10.0.0.1:8001"), origins=("https://app.example.com",))


def scope_of(
    host: str | None, origin: str | None = None, *, method: str = "POST", asks: bool = False
) -> dict[str, Any]:
    headers = [(b"host", host.encode())] if host is not None else []
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    if asks:
        headers.append((b"access-control-request-method", b"POST"))
    return {"headers": headers, "method": method}


@pytest.mark.parametrize("host", ["localhost", "localhost:8001", "127.0.0.1:1", "[::1]:8001", "LOCALHOST:80", "[::1]"])
def test_loopback_is_answered_by_default(host: str) -> None:
    assert LOCAL.check(scope_of(host)) == ()


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "", None, "localhost:80:80", "::1"]
)
def test_other_names_are_misdirected(host: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        LOCAL.check(scope_of(host))
    assert refused.value.status == 421


def test_a_host_with_a_port_is_that_port_alone() -> None:
    assert PUBLIC.check(scope_of("10.0.0.1:8001")) == ()
    with pytest.raises(Refusal):
        PUBLIC.check(scope_of("10.0.0.1:8002"))


@pytest.mark.parametrize(
    ("origins", "origin"),
    [
        (LOCAL, "http://evil.example"),
        (LOCAL, "null"),
        (LOCAL, "file://localhost"),
        (LOCAL, "http://localhost.evil.example"),
        (PUBLIC, "http://app.example.com"),
        (PUBLIC, "https://app.example.com.evil.example"),
        (PUBLIC, "http://localhost"),
        (PUBLIC, ""),
    ],
)
def test_pages_of_others_are_refused(origins: Origins, origin: str) -> None:
    host = "localhost" if origins is LOCAL else "mcp.example.com"
    with pytest.raises(Refusal) as refused:
        origins.check(scope_of(host, origin))
    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("origins", "host", "origin"),
    [
        (LOCAL, "localhost:8001", "http://localhost:6274"),
        (PUBLIC, "mcp.example.com", "https://app.example.com"),
        (PUBLIC, "mcp.example.com", "https://mcp.example.com"),
        (Origins(hosts=(), origins=("*",)), "localhost", "http://anywhere.example"),
    ],
)
def test_allowed_pages_get_their_headers(origins: Origins, host: str, origin: str) -> None:
    headers = dict(origins.check(scope_of(host, origin)))
    assert headers[b"access-control-allow-origin"] == origin.encode()
    assert headers[b"vary"] == b"origin"


def test_a_preflight_is_answered_with_what_may_be_sent() -> None:
    asked = scope_of("localhost", "http://localhost:3000", method="OPTIONS", asks=True)
    headers = dict(LOCAL.preflight(asked) or ())
    assert b"mcp-session-id" in headers[b"access-control-allow-headers"]
    assert b"authorization" in headers[b"access-control-allow-headers"]
    assert LOCAL.preflight(scope_of("localhost", "http://localhost:3000", method="OPTIONS")) is None
    with pytest.raises(Refusal):
        LOCAL.preflight(scope_of("localhost", "http://evil.example", method="OPTIONS", asks=True))


def test_what_is_remembered_of_good_names_is_bounded() -> None:
    origins = Origins(hosts=(), origins=())
    for port in range(1, 3000):
        origins.check(scope_of(f"localhost:{port}"))
    assert len(origins._good_hosts) <= 1000
