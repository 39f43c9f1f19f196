"""OAuth 2.1 as far as it is true here: whoever has an API key gets a token for it by the client credentials grant.

GET  /.well-known/oauth-authorization-server/mcp   RFC 8414: the one grant, and where it is asked for
POST /mcp/token                                    RFC 6749, 4.4: the key is the client's secret

GET  /mcp/authorize                                says in a browser that nobody signs in here

No client is registered and nobody signs in: who wants either finds no place for it. `authorization_endpoint` is named
because clients take no metadata without (RFC 8414 would let it be left out).
"""

import base64
import binascii
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import msgspec

from bridge.gateway.door.challenge import SCOPES, find_base
from bridge.gateway.door.entrance import Door, find_address
from bridge.gateway.door.exchange import KeyExchange
from bridge.gateway.door.token import TokenError
from bridge.gateway.http import read_body, send_answer
from bridge.gateway.refusal import INVALID_REQUEST, Refusal
from bridge.gateway.stream import Header, Receive, Send

METADATA, TOKEN, AUTHORIZE = "/.well-known/oauth-authorization-server", "/mcp/token", "/mcp/authorize"
MAX_BYTES = 16 * 1024
METHODS = {METADATA + "/mcp": "GET", METADATA: "GET", TOKEN: "POST", AUTHORIZE: "GET"}
NO_STORE: Header = (b"cache-control", b"no-store")
Scope = Mapping[str, Any]  # ASGI's


class OauthError(Exception):
    """`code` as RFC 6749, 5.2 has them; the message is fit for the client."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def find_issuer(scope: Scope) -> str:
    """The gateway itself, by the name it was called."""
    return f"{find_base(scope)}/mcp"


def describe_issuer(scope: Scope) -> bytes:
    base = find_base(scope)
    return msgspec.json.encode({
        "issuer": find_issuer(scope),
        "authorization_endpoint": base + AUTHORIZE,
        "token_endpoint": base + TOKEN,
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "response_types_supported": [],
        "scopes_supported": SCOPES,
    })


class Issuing:
    """An ASGI application for its own paths; `takes` says which. The host and the origin were checked before."""

    def __init__(self, door: Door, exchange: KeyExchange) -> None:
        self._door, self._exchange = door, exchange

    @staticmethod
    def takes(path: str) -> bool:
        return path in METHODS

    async def __call__(self, scope: Scope, receive: Receive, send: Send, *, headers: tuple[Header, ...] = ()) -> None:
        """Raises Refusal."""
        method = METHODS[scope["path"]]
        if scope["method"] != method:
            raise Refusal(
                "method-not-allowed", f"Send a {method}.", status=405, code=INVALID_REQUEST,
                headers=((b"allow", method.encode()),),
            )  # fmt: skip
        if scope["path"] == AUTHORIZE:
            raise Refusal(
                "no-sign-in",
                "Nobody signs in here. The box makes an API key: give it to your assistant as bearer token.",
                status=400, code=INVALID_REQUEST,
            )  # fmt: skip
        if method == "GET":
            await send_answer(send, 200, body=describe_issuer(scope), headers=headers)
            return
        body = await read_body(receive, max_bytes=MAX_BYTES)
        try:
            told = await self._grant(scope, body)
        except OauthError as error:
            fault = msgspec.json.encode({"error": error.code, "error_description": str(error)})
            status = 401 if error.code == "invalid_client" else 400
            wanted: tuple[Header, ...] = ((b"www-authenticate", b'Basic realm="mcp"'),) if status == 401 else ()
            await send_answer(send, status, body=fault, headers=(NO_STORE, *wanted, *headers))
            return
        await send_answer(send, 200, body=told, headers=(NO_STORE, *headers))

    async def _grant(self, scope: Scope, body: bytes) -> bytes:
        """Raises OauthError, or Refusal 503 while the issuer of keys does not answer."""
        form = read_form(body)
        if form.get("grant_type") != "client_credentials":
            raise OauthError("unsupported_grant_type", "Only client_credentials is granted: nobody signs in here.")
        resource = form.get("resource", find_issuer(scope))
        if resource != find_issuer(scope) and not resource.startswith(find_issuer(scope) + "/"):
            raise OauthError("invalid_target", f"Tokens are for {find_issuer(scope)} and what is below it.")
        try:
            token = await self._exchange.exchange(find_secret(scope, form), address=find_address(scope))
        except TokenError as error:
            raise OauthError("invalid_client", f"Give an API key of the box as client_secret: {error}.") from None
        bearing = {**scope, "headers": [(b"authorization", b"Bearer " + token.encode())]}
        caller = await self._door.admit(bearing)
        return msgspec.json.encode({
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": max(0, round(caller.expires_at - time.time())),
            "scope": " ".join(sorted(caller.scopes)),
        })


def read_form(body: bytes) -> dict[str, str]:
    """Raises OauthError for one that says something twice."""
    try:
        fields = parse_qs(body.decode(), strict_parsing=bool(body), max_num_fields=20)
    except ValueError:
        raise OauthError("invalid_request", "The body is no form (application/x-www-form-urlencoded).") from None
    if any(len(values) > 1 for values in fields.values()):
        raise OauthError("invalid_request", "A parameter stands there twice.")
    return {name: values[0] for name, values in fields.items()}


def find_secret(scope: Scope, form: Mapping[str, str]) -> str:
    """From the header (RFC 6749, 2.3.1), or the form. Raises OauthError."""
    for name, value in scope["headers"]:
        if name == b"authorization" and value[:6].lower() == b"basic ":
            try:
                _, _, secret = base64.b64decode(value[6:], validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise OauthError("invalid_client", "The header Authorization cannot be read.") from None
            return unquote_plus(secret)
    return form.get("client_secret", "")
