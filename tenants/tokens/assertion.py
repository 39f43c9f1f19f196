"""A box signs in with a short JWT signed by its own Ed25519 key (RFC 7523)."""

import datetime as dt
import hashlib
from typing import Annotated
from uuid import UUID

import jwt
import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from mcp_saas.kit.errors import Problem
from mcp_saas.kit.text import spelled
from tenants.keys import read_device_key
from tenants.models.device_key import DeviceKey
from tenants.models.refresh_token import SpentAssertion

MAX_AGE = dt.timedelta(seconds=60)
LEEWAY = dt.timedelta(seconds=30)


class AssertionClaims(msgspec.Struct, frozen=True):
    """What a box signs. Times are seconds since 1970 (NumericDate)."""

    iss: str
    sub: str
    jti: Annotated[str, spelled(r"[ -~]{1,128}", "1 to 128 printable ASCII characters")]
    iat: float
    exp: float


def verify_assertion(assertion: str) -> DeviceKey:
    """The key that signed it, with its box. Raises Problem 401 for anything wrong, without telling what exists."""
    try:
        key = _find_key(assertion)
        _spend(_verify(assertion, key))
    except (DeviceKey.DoesNotExist, ValueError, jwt.PyJWTError, msgspec.ValidationError, IntegrityError):
        raise Problem(
            401, "invalid-assertion", "Sign in again", detail="The assertion does not prove the key of a known box."
        ) from None
    return key


def _find_key(assertion: str) -> DeviceKey:
    """The live key it says it is signed with. Raises ValueError, PyJWTError or DoesNotExist."""
    claims, header = jwt.decode(assertion, options={"verify_signature": False}), jwt.get_unverified_header(assertion)
    kid, dazbox_id = header.get("kid"), UUID(str(claims.get("iss")))
    if not isinstance(kid, str) or "\0" in kid:
        raise ValueError("kid")
    key: DeviceKey = DeviceKey.objects.select_related("dazbox").get(dazbox_id=dazbox_id, kid=kid)
    if not key.is_live(timezone.now()):
        raise ValueError("ended")
    return key


def _verify(assertion: str, key: DeviceKey) -> AssertionClaims:
    verified = jwt.decode(
        assertion,
        read_device_key(key.x),
        algorithms=["EdDSA"],
        audience=settings.ENV.jwt_audience,
        issuer=str(key.dazbox_id),
        leeway=LEEWAY,
        options={"require": ["exp", "iat", "iss", "sub", "aud", "jti"]},
    )
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
