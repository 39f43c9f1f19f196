"""Medians and other quantiles of values that weigh differently."""

from collections.abc import Iterable, Sequence


def weigh_median(weighted_values: Iterable[tuple[int, int]]) -> int | None:
    """The weighted median of (value, weight) as CLBOSS takes it (PeerCompetitorFeeMonitor/Surveyor.cpp).

    Sorted ascending, the first value at which twice the cumulative weight exceeds the total; None without weight.
    """
    return weigh_quantiles(weighted_values, (0.5,))[0]


def weigh_quantiles(weighted_values: Iterable[tuple[int, int]], shares: Sequence[float]) -> list[int | None]:
    """For each share 0..1, ascending, the first value at which the cumulative weight exceeds that of the total."""
    ordered = sorted(weighted_values)
    bounds = [share * sum(weight for _, weight in ordered) for share in shares]
    found: list[int | None] = []
    cumulative = 0
    for value, weight in ordered:
        cumulative += weight
        while len(found) < len(bounds) and cumulative > bounds[len(found)]:
            found.append(value)
    return found + [None] * (len(bounds) - len(found))


def take_quantile(values: Sequence[float], share: float) -> float:
    """The quantile of unweighted values, by linear interpolation between the two nearest. At least one value."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
