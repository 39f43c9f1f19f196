"""Sealing what is stored: AES-256-GCM, bound to the place where it lies. Pure: keys are handed in, none is kept.

A sealed value is a nonce (12 random bytes), the ciphertext and the tag (16 bytes). Its place is authenticated with it
and stored nowhere: a value that was copied elsewhere does not open. Random nonces are good for 2**32 values under one
key (NIST SP 800-38D, section 8.3); a busy tenant seals some thousands a day.
"""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


class SealError(Exception):
    """Something sealed cannot be opened. The message says what and what to do; never a key, never a content."""


class SealBrokenError(SealError):
    """It was changed, cut, moved from another place, or sealed with another key: which of them cannot be told."""


class KeyMissingError(SealError):
    """The key it is sealed with is not there."""


def seal(key: AESGCM, content: bytes, *, place: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + key.encrypt(nonce, content, place)


def open_sealed(key: AESGCM, sealed: bytes | memoryview, *, place: bytes) -> bytes:
    """Raises SealBrokenError unless `sealed` is what `seal` returned for this key and place."""
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise SealBrokenError("a sealed value is cut short")
    try:
        return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)
    except InvalidTag:
        raise SealBrokenError("a sealed value was changed, moved, or sealed with another key") from None


def name_place(*parts: str) -> bytes:
    """The parts with their lengths, so that no two lists of parts name one place."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4) + part for part in encoded)


def make_key() -> bytes:
    return os.urandom(KEY_BYTES)


def derive_key(secret: bytes, purpose: str, *, salt: bytes | None = None) -> bytes:
    """HKDF-SHA-256 (RFC 5869): a key of its own for each purpose."""
    return HKDF(SHA256(), length=KEY_BYTES, salt=salt, info=purpose.encode()).derive(secret)


def digest_keyed(key: bytes, content: bytes) -> bytes:
    """HMAC-SHA-256: equal contents have equal digests, and nobody without the key can try out contents."""
    return hmac.digest(key, content, hashlib.sha256)
