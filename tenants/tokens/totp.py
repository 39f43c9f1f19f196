"""One-time codes of operators: RFC 6238 with SHA-1, 6 digits and 30 s, which every authenticator application knows."""

import os
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.conf import settings
from django.contrib.auth.models import User
from django.utils.encoding import force_bytes

from tenants.models.operator_factor import OperatorFactor

STEP_S = 30
DRIFT_STEPS = 1  # a clock may be this much off, either way
SECRET_BYTES = 20  # RFC 4226, section 4: 160 bits
NONCE_BYTES = 12
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
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(settings.SECRET_KEY).encrypt(nonce, secret, _place(user.pk))


def _unseal(factor: OperatorFactor) -> bytes:
    """Raises InvalidTag when it was sealed under a SECRET_KEY that is no longer a fallback either: enrol again."""
    sealed = bytes(factor.sealed_secret)
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            return _cipher(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _place(factor.pk))
        except InvalidTag:
            continue
    raise InvalidTag


def _cipher(key: str | bytes) -> AESGCM:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"dazbox operator factor")
    return AESGCM(derived.derive(force_bytes(key)))


def _place(user_id: object) -> bytes:
    return f"tenants_operatorfactor|sealed_secret|{user_id}".encode()
