"""Runes, Core Lightning's cookies: a secret's hash over restrictions, to which their holder may add more.

rune = base64url(authcode, restrictions). The authcode is SHA-256 over the secret and the restrictions, each but the
last padded to whole blocks as SHA-256 pads a message: who has a rune can hash on from it, and nobody can take a part
away. Restrictions are joined by "&" and must all hold; alternatives are joined by "|", of which one must. An
alternative is a field, a condition and a value, like `method=getinfo`.
"""

import base64
import binascii
import hashlib
import hmac
import re
import string
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

AUTHCODE_BYTES = 32
_LENGTH_FIELD_BYTES, _BLOCK_BYTES = 8, 64
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

Values = Mapping[str, str]


class RuneError(ValueError):
    """`is_derived`: the rune is this node's, but does not allow this call."""

    def __init__(self, message: str, *, is_derived: bool = False) -> None:
        super().__init__(message)
        self.is_derived = is_derived


class Alternative(NamedTuple):
    field: str
    condition: str
    value: str

    def explain_refusal(self, values: Values) -> str | None:
        """None: it holds."""
        given = values.get(self.field)
        if self.condition == "#" or (self.condition == "!" and given is None):
            return None
        if self.condition == "!":
            return f"{self.field} is present"
        if given is None:
            return f"{self.field} not present"
        holds, complaint = _CONDITIONS[self.condition]
        return None if holds(given, self.value) else f"{self.field} {complaint} {self.value}"


def make_rune(secret: bytes, restrictions: Sequence[str]) -> str:
    """What `createrune` answers: `restrictions` are texts like "method=getinfo|method=listpeerchannels"."""
    authcode = _hash_restrictions(secret, restrictions)
    return base64.urlsafe_b64encode(authcode + "&".join(restrictions).encode()).decode()


def check_rune(rune: str, *, secret: bytes, values: Values) -> None:
    """`values`: what is known of the call, by field. Raises RuneError with the reason of a refusal."""
    authcode, restrictions = _decode(rune)
    parsed = [_parse(text, is_first=index == 0) for index, text in enumerate(restrictions)]
    if not hmac.compare_digest(authcode, _hash_restrictions(secret, restrictions)):
        raise RuneError("Not authorized: Not derived from master")
    for alternatives in parsed:
        refusals = [alternative.explain_refusal(values) for alternative in alternatives]
        if None not in refusals:
            raise RuneError(f"Not permitted: {' AND '.join(map(str, refusals))}", is_derived=True)


def _hash_restrictions(secret: bytes, restrictions: Sequence[str]) -> bytes:
    message = secret
    for restriction in restrictions:
        message += _pad(len(message)) + restriction.encode()
    return hashlib.sha256(message).digest()


def _pad(length: int) -> bytes:
    """What SHA-256 puts after a message of so many bytes (FIPS 180-4, 5.1.1)."""
    zeros = (_BLOCK_BYTES - _LENGTH_FIELD_BYTES - 1 - length) % _BLOCK_BYTES
    return b"\x80" + bytes(zeros) + (length * 8).to_bytes(_LENGTH_FIELD_BYTES)


def _decode(rune: str) -> tuple[bytes, list[str]]:
    try:
        raw = base64.b64decode(rune + "=" * (-len(rune) % 4), altchars=b"-_", validate=True)
        text = raw[AUTHCODE_BYTES:].decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise RuneError("Not authorized: should be base64 string") from error
    if len(raw) < AUTHCODE_BYTES:
        raise RuneError("Not authorized: too short")
    return raw[:AUTHCODE_BYTES], _split(text, "&") if text else []


def _parse(restriction: str, *, is_first: bool) -> list[Alternative]:
    alternatives = [_parse_alternative(text) for text in _split(restriction, "|")]
    nameless = [alternative for alternative in alternatives if not alternative.field]
    if not nameless:
        return alternatives
    if not is_first or len(alternatives) > 1 or nameless[0].condition != "=":
        raise RuneError("Not authorized: unique id must stand first, alone, with =")
    return [nameless[0]._replace(condition="#")]


def _parse_alternative(text: str) -> Alternative:
    end = next((index for index, char in enumerate(text) if char in string.punctuation), None)
    if end is None or text[end] not in _CONDITIONS.keys() | {"!", "#"}:
        raise RuneError("Not authorized: restriction without a condition")
    return Alternative(text[:end], text[end], _ESCAPED.sub(r"\1", text[end + 1 :]))


def _split(text: str, separator: str) -> list[str]:
    """At each separator but those behind a backslash; the backslashes stay."""
    parts = [""]
    for token in re.findall(r"\\.|.", text, re.DOTALL):
        if token == separator:
            parts.append("")
        else:
            parts[-1] += token
    return parts


def _compare_integers(given: str, wanted: str, *, compare: Callable[[int, int], bool]) -> bool:
    try:
        return compare(int(given), int(wanted))
    except ValueError:
        return False


_CONDITIONS: dict[str, tuple[Callable[[str, str], bool], str]] = {
    "=": (lambda given, wanted: given == wanted, "is not equal to"),
    "/": (lambda given, wanted: given != wanted, "is equal to"),
    "^": (str.startswith, "does not start with"),
    "$": (str.endswith, "does not end with"),
    "~": (lambda given, wanted: wanted in given, "does not contain"),
    "<": (lambda given, wanted: _compare_integers(given, wanted, compare=int.__lt__), "is not less than"),
    ">": (lambda given, wanted: _compare_integers(given, wanted, compare=int.__gt__), "is not greater than"),
    "{": (lambda given, wanted: given < wanted, "does not sort before"),
    "}": (lambda given, wanted: given > wanted, "does not sort after"),
}
