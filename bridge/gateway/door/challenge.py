"""How a caller is told what it needs: 401 with where to get it (RFC 6750, RFC 9728), 403 with the missing scope."""

from collections.abc import Mapping
from typing import Any

import msgspec

from bridge.gateway.refusal import CODES, Refusal

METADATA_PATH = "/.well-known/oauth-protected-resource"
SCOPES = ("read", "act")
Scope = Mapping[str, Any]  # ASGI's


def challenge(scope: Scope, *, why: str | None = None) -> Refusal:
    """401. `why`: what is wrong with the token that was brought."""
    path = clean(scope["path"]) if scope["path"].startswith("/mcp") else ""
    header = f'Bearer resource_metadata="{find_base(scope)}{METADATA_PATH}{path}", scope="read"'
    message = "A bearer token is needed (Authorization: Bearer ...)."
    if why is not None:
        header += f', error="invalid_token", error_description="{clean(why)}"'
        message = f"The token is refused: {why}."
    return Refusal(
        "unauthorized",
        message,
        status=401,
        code=CODES["unauthorized"],
        headers=((b"www-authenticate", header.encode("ascii", "replace")),),
    )


def refuse_scope(wanted: str, what: str) -> Refusal:
    """403: the token is good, and not for this."""
    header = f'Bearer error="insufficient_scope", scope="{wanted}"'
    return Refusal(
        "forbidden",
        f"{what} needs a token with the scope {wanted}.",
        status=403,
        code=CODES["forbidden"],
        headers=((b"www-authenticate", header.encode("ascii", "replace")),),
    )


def refuse_operator() -> Refusal:
    return Refusal(
        "forbidden", "This is done with a tenant's token; yours is of none.", status=403, code=CODES["forbidden"]
    )


def keys_missing() -> Refusal:
    return Refusal(
        "unavailable",
        "Tokens cannot be verified yet: the issuer's keys are not readable.",
        status=503,
        code=CODES["upstream-away"],
        retry_after_s=5.0,
    )


def describe_resource(scope: Scope, *, issuer: str) -> bytes:
    """The protected resource metadata (RFC 9728), as JSON. The path after the well-known one names the resource."""
    path = scope["path"].removeprefix(METADATA_PATH) or "/mcp"
    return msgspec.json.encode({
        "resource": find_base(scope) + path,
        "authorization_servers": [issuer],
        "scopes_supported": SCOPES,
        "bearer_methods_supported": ["header"],
        "resource_name": "Dazbox MCP gateway",
    })


def find_base(scope: Scope) -> str:
    """Scheme and host as the caller named them; the host was checked before (`origin.py`). A proxy that ends TLS says
    so: believed by whoever sends it, it changes what that one is told alone.
    """
    headers = dict(scope["headers"])
    host = headers.get(b"host", b"localhost")
    scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
    if headers.get(b"x-forwarded-proto", b"").lower() == b"https":
        scheme = "https"
    return f"{scheme}://{clean(host.decode('latin-1'))}"


def clean(text: str) -> str:
    """Fit for a quoted string of a header."""
    return "".join(letter for letter in text if " " <= letter <= "~" and letter not in '"\\')
