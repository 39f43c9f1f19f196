"""Do the passages answer the question? A number from 0 to 1, by which an answer is refused.

A logistic model over what each step says of the best passages and how many of the question's words they hold. Its
weights stand here. They are a first guess by hand and not fitted yet: the order they give is to be measured.
"""

from collections.abc import Mapping, Sequence
from math import exp

from msgspec import Struct

REFUSED_BELOW = 0.5
TOP = 3  # passages that are looked at


class Signs(Struct, frozen=True):
    """`maxsim`, `dense`: of the best English passage. `coverage`: share of the question's words, by weight, that are in
    the best passages."""

    maxsim: float
    dense: float
    bm25: float
    coverage: float


def weigh_signs(signs: Signs) -> float:
    total = BIAS + sum(weight * getattr(signs, name) for name, weight in WEIGHTS.items())
    return 1 / (1 + exp(-total))


def cover(words: Mapping[str, float], passages: Sequence[frozenset[str]]) -> float:
    """1 for a question without words of its own."""
    whole = sum(words.values())
    held = frozenset().union(*passages)
    return sum(weight for word, weight in words.items() if word in held) / whole if whole else 1.0


BIAS = -9.0
WEIGHTS: dict[str, float] = {"maxsim": 8.0, "dense": 4.0, "bm25": 0.05, "coverage": 2.0}
