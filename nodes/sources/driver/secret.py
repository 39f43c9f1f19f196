"""Secrets in the words of others: a node, or a proxy before it, may send back what we showed it."""

import base64
import re
from collections.abc import Iterator
from contextlib import suppress

HIDDEN = "(secret)"
MIN_PART_CHARS = 16  # of the secret, where only a part of it was sent back
_WORD = re.compile(rf"[A-Za-z0-9+/_=-]{{{MIN_PART_CHARS},}}")


class Mask:
    """Hides one secret, in whatever common spelling and also where it was cut."""

    def __init__(self, secret: str) -> None:
        self._spellings = {one.lower() for one in list_spellings(secret) if len(one) >= MIN_PART_CHARS} | {
            secret.lower()
        }

    def hide(self, text: str) -> str:
        for spelling in sorted(self._spellings, key=len, reverse=True):
            text = re.sub(re.escape(spelling), HIDDEN, text, flags=re.IGNORECASE)
        return _WORD.sub(self._hide_part, text)

    def _hide_part(self, word: re.Match[str]) -> str:
        part = word[0].lower()
        pieces = [part[at : at + MIN_PART_CHARS] for at in range(len(part) - MIN_PART_CHARS + 1)]
        is_part = any(piece in spelling for piece in pieces for spelling in self._spellings)
        return HIDDEN if is_part else word[0]


def list_spellings(secret: str) -> Iterator[str]:
    """As given, and in hex and both alphabets of base64, with and without padding."""
    yield secret
    for raw in read_bytes(secret):
        yield raw.hex()
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(raw).decode()
            yield text
            yield text.rstrip("=")


def read_bytes(secret: str) -> Iterator[bytes]:
    """What it may stand for: its own characters, those of hex, those of base64."""
    yield secret.encode()
    with suppress(ValueError):
        yield bytes.fromhex(secret)
    with suppress(ValueError):
        text = secret.translate(str.maketrans("-_", "+/")).rstrip("=")
        yield base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
