"""How large, how deep, how many at once: what is looked at before anything is understood."""

import re

from bridge.gateway.refusal import INVALID_REQUEST, Refusal

MAX_DEPTH = 64
MAX_BATCH = 100
_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET = bytes(letter for letter in range(256) if letter not in b"{}[]")


def check_shape(body: bytes) -> None:
    """Raises Refusal 400 for a JSON text that is nested too deep. Whether it is JSON its reader says."""
    if is_too_deep(body):
        raise Refusal(
            "invalid-body",
            f"The body is nested deeper than {MAX_DEPTH} levels.",
            status=400,
            code=INVALID_REQUEST,
        )


def check_batch(length: int) -> None:
    """Raises Refusal 400 for an array of calls that is empty or too long."""
    if not 1 <= length <= MAX_BATCH:
        raise Refusal("invalid-body", f"Send 1 to {MAX_BATCH} calls at once.", status=400, code=INVALID_REQUEST)


def count_values(text: bytes) -> int:
    """The values in a JSON text, or some more: what is between commas and brackets."""
    bare = _STRINGS.sub(b"", text)
    return 1 + bare.count(b",") + bare.count(b"[") + bare.count(b"{")


def is_too_deep(body: bytes) -> bool:
    """Most bodies have fewer brackets than levels are allowed. Of the others the strings go, then all but the brackets,
    and then each round takes the innermost pairs away: as many rounds as levels.
    """
    if body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        return False
    brackets = _STRINGS.sub(b"", body).translate(_ONE_KIND, _NO_BRACKET)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        shorter = brackets.replace(b"[]", b"")
        if len(shorter) == len(brackets):
            return False  # it does not close: no JSON, which its reader says better
        brackets = shorter
    return bool(brackets)
