"""One spelling for each JSON text: members in order, no blanks. What means the same has the same SHA-256."""

import hashlib
import json

import msgspec

_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode


class TwinMemberError(ValueError):
    """An object names a member twice: two readers of it may see two different things."""


def write_canonical(text: bytes) -> bytes:
    """Raises ValueError (TwinMemberError among them) for what is no JSON text of one meaning."""
    canonical = _encode(_decode(text))
    if b"\\" in text:
        json.loads(text, object_pairs_hook=_refuse_twins)
    elif text.count(b'"') != canonical.count(b'"'):  # without escapes a quotation mark is one of a string's two ends
        raise TwinMemberError("an object names a member twice")
    return canonical


def digest(canonical: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(canonical).hexdigest()


def _refuse_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise TwinMemberError("an object names a member twice")
    return members
