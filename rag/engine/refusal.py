"""Do the passages answer the question? A number from 0 to 1, by which an answer is refused.

A logistic model over what each step says of the best passages, how many of the question's words they hold, and whether
the question is about this field at all.
"""

from collections.abc import Mapping, Sequence
from math import exp

from msgspec import Struct

REFUSED_BELOW = 0.5
TOP = 3  # passages that are looked at


class Signs(Struct, frozen=True):
    """`maxsim`, `dense`, `bm25`: the highest of the passages. `coverage`: share of the question's words, by weight,
    that are in the best passages. `nearness`, `farness`: cosines of the question with the nearest meaning of the
    glossary and with the nearest thing that is answered elsewhere.
    """

    maxsim: float
    dense: float
    bm25: float
    coverage: float
    nearness: float
    farness: float


def weigh_signs(signs: Signs) -> float:
    total = BIAS + sum(weight * getattr(signs, name) for name, weight in WEIGHTS.items())
    return 1 / (1 + exp(-total))


def cover(words: Mapping[str, float], passages: Sequence[frozenset[str]]) -> float:
    """1 for a question without words of its own."""
    whole = sum(words.values())
    held = frozenset().union(*passages)
    return sum(weight for word, weight in words.items() if word in held) / whole if whole else 1.0


def rate_own(*, dense: float, coverage: float) -> float:
    """Of one passage of a box's own documents, which may be about anything. By hand, not fitted."""
    return 1 / (1 + exp(9.0 - 4.0 * dense - 10.0 * coverage))


# Fitted by logistic regression (both classes of one weight, L2 1 on standardised signs) on 488 answerable and 131
# unanswerable questions of our own on the texts of others (four times), and the 182 headings of our own library, 25
# questions an owner put to it and the same 131 on that; 0.5 keeps 95 % of all answerable ones.
BIAS = -12.36
WEIGHTS: dict[str, float] = {
    "maxsim": 9.91,
    "dense": 15.32,
    "bm25": 0.11,
    "coverage": 1.04,
    "nearness": 9.14,
    "farness": -16.28,
}
