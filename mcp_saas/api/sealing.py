"""Answers at rest, sealed for whoever knows the Idempotency-Key they were given under."""

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.http import HttpResponse
from django.utils.encoding import force_bytes

from mcp_saas.kit.crypto import SealBrokenError, derive_key, open_sealed, seal


class SealedAnswer(msgspec.Struct, frozen=True, array_like=True):
    """An answer byte for byte."""

    status: int
    headers: dict[str, str]
    body: bytes


def seal_answer(response: HttpResponse, key: str, *, row_id: bytes) -> bytes:
    """AES-256-GCM under a key derived from SECRET_KEY and the caller's `key`, bound to the row."""
    answer = SealedAnswer(response.status_code, dict(response.headers.items()), response.content)
    return seal(_cipher(settings.SECRET_KEY, key), msgspec.msgpack.encode(answer), place=row_id)


def open_answer(sealed: bytes, key: str, *, row_id: bytes) -> HttpResponse | None:
    """The answer that was sealed; None when it was sealed under a SECRET_KEY that is no longer a fallback either."""
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            raw = open_sealed(_cipher(secret, key), sealed, place=row_id)
        except SealBrokenError:
            continue
        answer = msgspec.msgpack.decode(raw, type=SealedAnswer)
        return HttpResponse(answer.body, status=answer.status, headers=answer.headers)
    return None


def _cipher(secret: str | bytes, key: str) -> AESGCM:
    return AESGCM(derive_key(force_bytes(secret), "dazbox stored answer", salt=key.encode()))
