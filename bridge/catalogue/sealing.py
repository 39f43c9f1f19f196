"""How a server of the catalogue is reached, sealed: it holds the operator's secrets, and backups travel.

AES-256-GCM under a key derived from SECRET_KEY, bound to the server's name. What an older SECRET_KEY sealed still opens
while that is a fallback, and is sealed anew by a task.
"""

from contextlib import suppress

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.utils.encoding import force_bytes

from bridge.engine.server import Transport
from mcp_saas.kit.crypto import SealBrokenError, derive_key, name_place, open_sealed, seal

_decoder: msgspec.json.Decoder[Transport] = msgspec.json.Decoder(Transport)


def seal_transport(transport: Transport, *, name: str) -> bytes:
    return seal(_cipher(settings.SECRET_KEY), msgspec.json.encode(transport), place=_place(name))


def open_transport(sealed: bytes, *, name: str) -> Transport:
    """Raises SealBrokenError when its SECRET_KEY is no longer a fallback either: the server is to be set anew."""
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        with suppress(SealBrokenError):
            return _decoder.decode(open_sealed(_cipher(key), sealed, place=_place(name)))
    raise SealBrokenError(f"how {name} is reached was sealed under an older SECRET_KEY: set the server anew")


def is_of_older_key(sealed: bytes, *, name: str) -> bool:
    with suppress(SealBrokenError):
        open_sealed(_cipher(settings.SECRET_KEY), sealed, place=_place(name))
        return False
    return True


def _cipher(key: str | bytes) -> AESGCM:
    return AESGCM(derive_key(force_bytes(key), "dazbox mcp catalogue"))


def _place(name: str) -> bytes:
    return name_place("catalogue_mcpserver", "sealed_transport", name)
