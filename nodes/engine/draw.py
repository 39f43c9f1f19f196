"""Chance that can be repeated: a draw is a function of what it is drawn for, the same on every machine and release."""

import hashlib
from collections.abc import Sequence

_MANTISSA_BITS = 53  # as many as a float holds exactly


def draw_unit(*seed: object) -> float:
    """A number 0 <= x < 1, uniform over seeds. The parts of a seed are told apart by their text."""
    text = "\x1f".join(str(part) for part in seed)
    digest = hashlib.sha256(text.encode()).digest()
    return (int.from_bytes(digest[:8]) >> (64 - _MANTISSA_BITS)) / float(2**_MANTISSA_BITS)


def shuffle_numbers(numbers: Sequence[int], *seed: object) -> list[int]:
    """The numbers in an order that every seed has its own of."""
    return sorted(numbers, key=lambda number: (draw_unit(*seed, number), number))
