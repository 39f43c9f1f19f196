"""What a token says, once its signature is ours. The same rules as `tenants.tokens.access`, without its database."""

from typing import Any
from uuid import UUID

import jwt
from msgspec import Struct

from bridge.gateway.door.caller import Caller, Operator
from bridge.gateway.door.keys import ALGORITHM

LEEWAY_S = 30
MAX_TOKEN_BYTES = 8 * 1024
TYPE = "access"
ANY_TENANT = frozenset({"read", "act", "device"})
CLAIMS = ["exp", "iat", "iss", "aud", "sub", "jti", "scope", "typ", "tv"]


class TokenError(Exception):
    """The message is fit for the bearer."""


class Verified(Struct, frozen=True):
    """`token_version`: of the tenant when the token was made; older than the catalogue's it is revoked."""

    visitor: Caller | Operator
    token_version: int


def read_kid(token: str) -> str:
    """The kid of a token whose header is one of ours. Raises TokenError."""
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenError("it is too long")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise TokenError("it is no JWT: get an access token first") from None
    kid = header.get("kid")
    if header.get("alg") != ALGORITHM or not isinstance(kid, str):
        raise TokenError("it is not signed as ours are")
    return kid


def verify(token: str, key: jwt.PyJWK, *, issuer: str, audience: str, borne: str) -> Verified:
    """`borne`: what the caller brought, itself or what it was exchanged for. Raises TokenError."""
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=issuer,
            audience=audience,
            leeway=LEEWAY_S,
            options={"require": CLAIMS},
        )
    except jwt.ExpiredSignatureError:
        raise TokenError("it has expired: get a new one") from None
    except jwt.PyJWTError as error:
        raise TokenError(f"it is not good here: {error}") from None
    try:
        return read_claims(claims, borne)
    except (ValueError, TypeError) as error:
        raise TokenError(f"it says nothing we understand: {error}") from None


def read_claims(claims: dict[str, Any], token: str) -> Verified:
    """Raises ValueError or TypeError."""
    tenant_id, scope, token_version = claims.get("tenant_id"), claims["scope"], claims["tv"]
    if claims["typ"] != TYPE:
        raise ValueError("its typ is not access")
    if not isinstance(scope, str) or not isinstance(tenant_id, str | None) or type(token_version) is not int:
        raise TypeError("scope, tenant_id or tv")
    subject, expires_at, scopes = str(claims["sub"]), float(claims["exp"]), frozenset(scope.split())
    if tenant_id:
        caller = Caller(subject, UUID(tenant_id), scopes, str(claims["jti"]), token, expires_at)
        return Verified(caller, token_version)
    if "operator" not in scopes:
        raise ValueError("it is of no tenant")
    return Verified(Operator(subject, expires_at), 0)
