"""Access tokens: ES256 JWTs of simplejwt, with a kid, bound to one tenant."""

import datetime as dt
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError
from rest_framework_simplejwt.tokens import Token

from mcp_saas.api.auth import Principal, Scope
from tenants.keys import load_key_ring

ALGORITHM = "ES256"
LIFETIME = dt.timedelta(minutes=15)
LEEWAY = dt.timedelta(seconds=30)


class KeyRingBackend(TokenBackend):
    """simplejwt knows one key; we sign with the newest of a ring and verify by the token's `kid`."""

    def __init__(self) -> None:
        super().__init__(ALGORITHM, audience=settings.ENV.jwt_audience, issuer=settings.ENV.jwt_issuer, leeway=LEEWAY)

    def encode(self, payload: dict[str, Any]) -> str:
        signer = load_key_ring(settings.ENV.jwt_keys_dir).signer
        claims = payload | {"iss": self.issuer, "aud": self.audience, "kid": signer.kid}
        return jwt.encode(claims, signer.private, ALGORITHM, headers={"kid": signer.kid, "typ": "JWT"})

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - simplejwt's signature
        """The claims. Raises TokenBackendError: one algorithm, a kid of ours, our iss and aud, exp and sub present."""
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = load_key_ring(settings.ENV.jwt_keys_dir).keys.get(kid) if isinstance(kid, str) else None
            if key is None:
                raise TokenBackendError("the token's key is not one of ours")
            claims: dict[str, Any] = jwt.decode(
                token,
                key.private.public_key(),
                algorithms=[ALGORITHM],
                audience=self.audience,
                issuer=self.issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]},
            )
        except jwt.PyJWTError as error:
            raise TokenBackendError(str(error)) from None
        return claims


class AccessToken(Token):
    """Claims: iss, aud, sub, tenant_id (null without a tenant), scope (space-separated), jti, kid, typ, iat, exp."""

    token_type = "access"  # noqa: S105 - the value of the typ claim
    lifetime = LIFETIME

    @property
    def token_backend(self) -> TokenBackend:
        return KeyRingBackend()


def mint_access_token(*, subject: str, scopes: list[Scope], tenant_id: UUID | None) -> str:
    token = AccessToken()
    token["sub"] = subject
    token["scope"] = " ".join(scopes)
    token["tenant_id"] = str(tenant_id) if tenant_id else None
    return str(token)


def read_principal(token: Token) -> Principal:
    """The bearer of a verified token. Raises ValueError for claims of a wrong shape."""
    tenant_id = token.get("tenant_id")
    scope = token.get("scope")
    if not isinstance(scope, str) or not isinstance(tenant_id, str | None):
        raise ValueError("scope or tenant_id")  # noqa: TRY004 - one error for a token we did not make
    return Principal(str(token["sub"]), frozenset(scope.split()), UUID(tenant_id) if tenant_id else None)
