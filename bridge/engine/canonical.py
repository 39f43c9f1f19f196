"""One spelling for each JSON text: members in order, no blanks. What means the same has the same SHA-256."""

import hashlib
from typing import Any

import msgspec

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder().decode


class TwinMemberError(ValueError):
    """An object names a member twice: two readers of it may see two different things."""

    def __init__(self) -> None:
        super().__init__("an object names a member twice")


def read_once(text: bytes) -> tuple[Any, bytes]:
    """The value and its one spelling. Raises ValueError (TwinMemberError among them) for what is no JSON text of one
    meaning, RecursionError for one that is nested a thousand levels deep.
    """
    value = _decode(text)
    canonical = _encode(value)
    if _count_ends(text) != _count_ends(canonical):  # of two members of one name the value has the last
        raise TwinMemberError
    return value, canonical


def write_canonical(text: bytes) -> bytes:
    """Raises as `read_once` does."""
    return read_once(text)[1]


def digest(canonical: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(canonical).hexdigest()


def _count_ends(text: bytes) -> int:
    """Quotation marks at which strings begin and end."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return text.count(b'"')
