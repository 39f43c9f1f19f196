"""A box signs in with a short JWT signed by its own Ed25519 key (RFC 7523)."""

import datetime as dt
import hashlib
from uuid import UUID

import jwt
import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction

from mcp_saas.kit.errors import Problem
from tenants.keys import read_device_key
from tenants.models.dazbox import Dazbox
from tenants.models.refresh_token import SpentAssertion

MAX_AGE = dt.timedelta(seconds=60)
LEEWAY = dt.timedelta(seconds=30)


class AssertionClaims(msgspec.Struct, frozen=True):
    """What a box signs. Times are seconds since 1970 (NumericDate)."""

    iss: str
    sub: str
    jti: str
    iat: float
    exp: float


def verify_assertion(assertion: str) -> Dazbox:
    """The box that signed it. Raises Problem 401 for anything wrong, without telling what exists."""
    try:
        dazbox: Dazbox = Dazbox.objects.get(id=UUID(_read_unverified_issuer(assertion)))
        _spend(_verify(assertion, dazbox))
    except (Dazbox.DoesNotExist, ValueError, jwt.PyJWTError, msgspec.ValidationError, IntegrityError):
        raise Problem(
            401, "invalid-assertion", "Sign in again", detail="The assertion does not prove the key of a known box."
        ) from None
    return dazbox


def _read_unverified_issuer(assertion: str) -> str:
    claims = jwt.decode(assertion, options={"verify_signature": False})
    return str(claims.get("iss"))


def _verify(assertion: str, dazbox: Dazbox) -> AssertionClaims:
    verified = jwt.decode(
        assertion,
        read_device_key(dazbox.device_key),
        algorithms=["EdDSA"],
        audience=settings.ENV.jwt_audience,
        issuer=str(dazbox.id),
        leeway=LEEWAY,
        options={"require": ["exp", "iat", "iss", "sub", "aud", "jti"]},
    )
    if jwt.get_unverified_header(assertion).get("kid") != dazbox.device_kid:
        raise ValueError("kid")
    claims = msgspec.convert(verified, AssertionClaims)
    if claims.exp - claims.iat > MAX_AGE.total_seconds() or claims.sub != claims.iss:
        raise ValueError("exp")
    return claims


def _spend(claims: AssertionClaims) -> None:
    """Raises IntegrityError when this box used this jti before. Another box's jti is another box's matter."""
    expires_at = dt.datetime.fromtimestamp(claims.exp, dt.UTC) + LEEWAY
    digest = hashlib.sha256(f"{claims.iss} {claims.jti}".encode()).hexdigest()
    with transaction.atomic():
        SpentAssertion.objects.create(jti=digest, expires_at=expires_at)
