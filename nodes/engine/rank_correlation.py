"""Whether two figures order the same things alike."""

import math
from collections.abc import Sequence


def correlate_ranks(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's rank correlation, -1 .. 1, equal values sharing their mean rank (Spearman 1904).

    None: fewer than three pairs, or one of the two does not vary. Other lengths raise ValueError.
    """
    pairs = list(zip(first, second, strict=True))
    if len(pairs) < 3:
        return None
    ranks = rank_values(first), rank_values(second)
    mean = (len(pairs) + 1) / 2
    products = math.fsum((one - mean) * (other - mean) for one, other in zip(*ranks, strict=True))
    spreads = [math.fsum((rank - mean) ** 2 for rank in of) for of in ranks]
    return products / math.sqrt(spreads[0] * spreads[1]) if all(spreads) else None


def rank_values(values: Sequence[float]) -> list[float]:
    """From 1 for the smallest; equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=lambda index: values[index])
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for position in range(start, end + 1):
            ranks[order[position]] = (start + end) / 2 + 1
        start = end + 1
    return ranks
