"""One-time codes of operators: RFC 6238 with SHA-1, 6 digits and 30 s, which every authenticator application knows."""

import os
import time
from contextlib import suppress

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.conf import settings
from django.contrib.auth.models import User
from django.utils.encoding import force_bytes

from mcp_saas.kit.crypto import SealBrokenError, derive_key, name_place, open_sealed, seal
from tenants.models.operator_factor import OperatorFactor

STEP_S = 30
DRIFT_STEPS = 1  # a clock may be this much off, either way
SECRET_BYTES = 20  # RFC 4226, section 4: 160 bits
ISSUER = "Dazbox Cloud"


def enrol(user: User) -> str:
    """A new secret, which replaces any older one. The `otpauth://` URI for the authenticator, to be shown this once."""
    secret = os.urandom(SECRET_BYTES)
    OperatorFactor.objects.update_or_create(user=user, defaults={"sealed_secret": _seal(secret, user), "last_step": 0})
    return _generator(secret).get_provisioning_uri(user.get_username(), ISSUER)


def accept_code(factor: OperatorFactor, code: str, *, now: float | None = None) -> bool:
    """Whether the code is right now (or a step off) and newer than any taken before. Taking it is one update."""
    secret = _unseal(factor)
    step = int(time.time() if now is None else now) // STEP_S
    right = [
        step + drift for drift in range(-DRIFT_STEPS, DRIFT_STEPS + 1) if _matches(secret, code, step=step + drift)
    ]
    if not right:
        return False
    taken = OperatorFactor.objects.filter(pk=factor.pk, last_step__lt=max(right)).update(last_step=max(right))
    return taken == 1


def _matches(secret: bytes, code: str, *, step: int) -> bool:
    return bytes_eq(_generator(secret).generate(step * STEP_S), code.encode())


def _generator(secret: bytes) -> TOTP:
    return TOTP(secret, 6, SHA1(), STEP_S)  # noqa: S303 - HMAC-SHA-1 is what authenticators speak


def _seal(secret: bytes, user: User) -> bytes:
    return seal(_cipher(settings.SECRET_KEY), secret, place=_place(user.pk))


def _unseal(factor: OperatorFactor) -> bytes:
    """Raises SealBrokenError when its SECRET_KEY is no longer a fallback either: enrol again."""
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        with suppress(SealBrokenError):
            return open_sealed(_cipher(key), bytes(factor.sealed_secret), place=_place(factor.pk))
    raise SealBrokenError("the secret was sealed under an older SECRET_KEY")


def _cipher(key: str | bytes) -> AESGCM:
    return AESGCM(derive_key(force_bytes(key), "dazbox operator factor"))


def _place(user_id: object) -> bytes:
    return name_place("tenants_operatorfactor", "sealed_secret", str(user_id))
