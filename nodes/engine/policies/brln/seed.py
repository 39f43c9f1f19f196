"""brln's seed: what others charge towards the peer, as a quantile of a week, guarded against jumps.

Source: brln-autofee-pro, on Amboss' seven days of `incoming_fee_rate_metrics / weighted_corrected_mean`. Here the days
are those on which we looked, from the public graph.
"""

from collections.abc import Sequence

from nodes.engine.median import take_quantile
from nodes.engine.memory import DayValue
from nodes.engine.stateful_strategies import BrlnStrategy

WEEK = 7
CAP_QUANTILE = 0.95


def keep_week(days: Sequence[DayValue], today: DayValue) -> list[DayValue]:
    """The newest value of each of the last seven days."""
    return [*(each for each in days if today.day - WEEK < each.day < today.day), today]


def smooth_seed(
    days: Sequence[DayValue], strategy: BrlnStrategy, *, last_ppm: float | None, elapsed_days: float
) -> float:
    """The 65th percentile of the week, at most its 95th, `seed_max_ppm` and 50 % a day above the last, smoothed by 0.2.

    last + 0.2 (raw - last); a first seed is taken as it is.
    """
    values = [each.ppm for each in days]
    raw = min(take_quantile(values, strategy.seed_quantile), take_quantile(values, CAP_QUANTILE), strategy.seed_max_ppm)
    if last_ppm is None:
        return float(raw)
    if last_ppm > 0:
        raw = min(raw, last_ppm * (1 + strategy.seed_max_rise * max(0.0, min(elapsed_days, 1.0))))
    return last_ppm + strategy.seed_smoothing * (raw - last_ppm)
