"""What errors of the past say of the next one, and how often they were right. Amounts as the errors are in."""

import math
from bisect import insort
from collections.abc import Sequence
from typing import NamedTuple

MIN_DAYS = 14  # before the first moment that is judged
MIN_ERRORS = 8  # without so many there is no interval, and no forecast
COVERAGE = 0.8
FEW_WINDOWS = 5  # docs/forecasts.md: below it intervals of one-sided errors held 43 to 86 %, not 80


class Erred(NamedTuple):
    """By how much a forecast was wrong that was made when `at` days were known."""

    at: int
    error: float


class Held(NamedTuple):
    """Of `intervals` made in the past, each of what was known by then, so many held what came."""

    held: int = 0
    intervals: int = 0


def bound_errors(errors: Sequence[float], *, windows: int) -> tuple[float, float]:
    """By the quantiles of the sorted errors; 0 is always inside.

    `windows`: how many of the errors do not lean on each other; that many say how far out the quantiles are. Few
    of them have often erred to one side alone: then the interval reaches as far to the other.
    """
    count, tail = len(errors), (1 - COVERAGE) / 2
    level = min(1.0, math.ceil((windows + 1) * (1 - tail)) / windows)
    high = min(count, math.ceil(count * level)) - 1
    lowest, highest = min(errors[count - 1 - high], 0.0), max(errors[high], 0.0)
    if windows < FEW_WINDOWS:
        lowest, highest = min(lowest, -highest), max(highest, -lowest)
    return lowest, highest


def count_windows(days: int, horizon: int) -> int:
    """So many forecasts over `horizon` days lie side by side in a past of `days`."""
    return max(1, (days - MIN_DAYS) // horizon)


def count_held(made: Sequence[Erred], *, horizon: int) -> Held:
    """`made`: of one channel, the oldest first. An error is known once the days it is about are over."""
    known: list[float] = []
    held, intervals, over = 0, 0, 0
    for at, error in made:
        while made[over].at + horizon <= at:
            insort(known, made[over].error)
            over += 1
        if len(known) >= MIN_ERRORS:
            lowest, highest = bound_errors(known, windows=count_windows(at, horizon))
            intervals += 1
            held += lowest <= error <= highest
    return Held(held, intervals)
