"""Answers at rest, sealed for whoever knows the Idempotency-Key they were given under."""

import os

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.http import HttpResponse
from django.utils.encoding import force_bytes

_NONCE_BYTES = 12


class SealedAnswer(msgspec.Struct, frozen=True, array_like=True):
    """An answer byte for byte."""

    status: int
    headers: dict[str, str]
    body: bytes


def seal_answer(response: HttpResponse, key: str, *, row_id: bytes) -> bytes:
    """AES-256-GCM under a key derived from SECRET_KEY and the caller's `key`, bound to the row."""
    answer = SealedAnswer(response.status_code, dict(response.headers.items()), response.content)
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher(settings.SECRET_KEY, key).encrypt(nonce, msgspec.msgpack.encode(answer), row_id)


def open_answer(sealed: bytes, key: str, *, row_id: bytes) -> HttpResponse | None:
    """The answer that was sealed; None when it was sealed under a SECRET_KEY that is no longer a fallback either."""
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            raw = _cipher(secret, key).decrypt(nonce, ciphertext, row_id)
        except InvalidTag:
            continue
        answer = msgspec.msgpack.decode(raw, type=SealedAnswer)
        return HttpResponse(answer.body, status=answer.status, headers=answer.headers)
    return None


def _cipher(secret: str | bytes, key: str) -> AESGCM:
    derived = HKDF(SHA256(), length=32, salt=key.encode(), info=b"dazbox stored answer")
    return AESGCM(derived.derive(force_bytes(secret)))
