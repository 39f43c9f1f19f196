"""From daily figures to a mean with its interval."""

import math
from collections.abc import Sequence

from msgspec import Struct

FEWEST_DAYS = 7
Z_95 = 1.959964  # the 97.5 % quantile of the normal distribution


class Interval(Struct, frozen=True):
    low: float
    mean: float
    high: float

    def scale(self, factor: float) -> "Interval":
        """For a factor of 0 or more."""
        return Interval(self.low * factor, self.mean * factor, self.high * factor)


def measure_mean(daily: Sequence[int]) -> Interval | None:
    """Mean of the days with mean +- 1.96 * s / sqrt(n), the normal interval of 95 %. None below seven days.

    It takes one day as independent of the next and as typical of those to come; it is no forecast of a change.
    """
    if len(daily) < FEWEST_DAYS:
        return None
    mean = math.fsum(daily) / len(daily)
    variance = math.fsum((value - mean) ** 2 for value in daily) / (len(daily) - 1)
    half = Z_95 * math.sqrt(variance / len(daily))
    return Interval(mean - half, mean, mean + half)
