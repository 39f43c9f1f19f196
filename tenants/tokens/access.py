"""Access tokens: ES256 JWTs of simplejwt, with a kid, bound to one tenant and to its token version."""

import datetime as dt
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError
from rest_framework_simplejwt.tokens import Token

from mcp_saas.api.auth import Principal
from mcp_saas.kit.ttl_cache import TtlCache
from tenants.keys import REREAD_S, KeyRing, SigningKey, load_key_ring

ALGORITHM = "ES256"
LIFETIME = dt.timedelta(minutes=15)
LEEWAY = dt.timedelta(seconds=30)
CACHE_ENTRIES = 10_000
KEPT_S = 60.0  # what revokes a token (its box's standing), the key that left the ring and `exp` are looked at each time


@dataclass(frozen=True, slots=True)
class AccessGrant:
    """What a verified access token says: who bears it, and which token version of its box it was made for."""

    principal: Principal
    token_version: int
    expires_at: float  # seconds since 1970
    ring: KeyRing  # it was verified with


_verified: TtlCache[bytes, AccessGrant] = TtlCache(max_entries=CACHE_ENTRIES, ttl_s=KEPT_S)


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
    """Claims: iss, aud, sub, tenant_id (null without a tenant), tv (token version of the tenant, 0 without one),
    scope (space-separated), jti, kid, typ, iat, exp.
    """

    token_type = "access"  # noqa: S105 - the value of the typ claim
    lifetime = LIFETIME

    @property
    def token_backend(self) -> TokenBackend:
        return KeyRingBackend()


def mint_access_token(
    *,
    subject: str,
    scopes: Sequence[str],
    tenant_id: UUID | None,
    token_version: int = 0,
    lifetime: dt.timedelta = LIFETIME,
) -> str:
    """`token_version` is the box's as the database has it now: with an older one the token is born revoked."""
    token = AccessToken()
    token.set_exp(lifetime=lifetime)
    token["sub"] = subject
    token["scope"] = " ".join(scopes)
    token["tenant_id"] = str(tenant_id) if tenant_id else None
    token["tv"] = token_version
    return str(token)


def verify_access_token(raw: bytes) -> AccessGrant:
    """Raises TokenError or ValueError for a token that is not exactly one of ours.

    A signature takes 100 times as long to verify as a hash: a token verified in the last minute, with the keys we
    still have, is not verified again. One that has expired since is, and so refused (after the leeway).
    """
    digest = hashlib.sha256(raw).digest()
    grant = _verified.find(digest)
    if grant is None or grant.expires_at <= time.time() or grant.ring is not load_key_ring(settings.ENV.jwt_keys_dir):
        grant = _verify(raw)
        _verified.keep(digest, grant)
    return grant


def find_retirement(ring: KeyRing, key: SigningKey) -> dt.datetime | None:
    """When the last token signed with `key` is refused anyway; None for the newest, which goes on signing."""
    successor = next((other for other in ring.keys.values() if other.signs_from > key.signs_from), None)
    return successor.signs_from + LIFETIME + LEEWAY + dt.timedelta(seconds=REREAD_S) if successor else None


def _verify(raw: bytes) -> AccessGrant:
    ring = load_key_ring(settings.ENV.jwt_keys_dir)
    token = AccessToken(raw)  # type: ignore[arg-type]
    tenant_id, scope, token_version = token.get("tenant_id"), token.get("scope"), token.get("tv")
    if not isinstance(scope, str) or not isinstance(tenant_id, str | None) or type(token_version) is not int:
        raise ValueError("scope, tenant_id or tv")
    tenant = UUID(tenant_id) if tenant_id else None
    principal = Principal(str(token["sub"]), frozenset(scope.split()), tenant, session=str(token["jti"]))
    return AccessGrant(principal, token_version, float(token["exp"]), ring)
