"""fee_adjuster.py: what others charge towards the peer, adjusted by hand, by its trend and by the channel's group.

Source: the community script of that name on Amboss' figures: base (the day's median) * (1 + adjustment + trend *
sensitivity) * (1 + group), limited. The trend is +5 % when the day is above the week and the week above the month, -5 %
the other way round. Days are those on which we looked, from the public graph.
"""

from collections.abc import Sequence

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.memory import DayValue, FeeAdjusterMemory
from nodes.engine.policies.own_hold import bound_rate
from nodes.engine.stateful_strategies import FeeAdjusterStrategy
from nodes.engine.wish import Wish

TREND = 0.05
WEEK, MONTH = 7, 30
DAY_S = 86_400


def add_day(days: Sequence[DayValue], value: DayValue, *, kept: int) -> list[DayValue]:
    """The newest value of each day, of the last `kept` days."""
    others = [each for each in days if value.day - kept < each.day < value.day]
    return [*others, value]


def measure_trend(days: Sequence[DayValue]) -> float:
    """+0.05 where day > week > month, -0.05 where day < week < month, else 0. Means of what is known of each."""
    if not days:
        return 0.0
    today = days[-1].day
    month = _average(days)
    week = _average([each for each in days if each.day > today - WEEK])
    day = days[-1].ppm
    if day > week > month:
        return TREND
    return -TREND if day < week < month else 0.0


def adjust_rate(base_ppm: float, strategy: FeeAdjusterStrategy, *, trend: float, group: float) -> int:
    asked_ppm = ask_rate(base_ppm, strategy, trend=trend, group=group)
    return min(max(asked_ppm, strategy.min_fee_rate_ppm), strategy.max_fee_rate_ppm)


def ask_rate(base_ppm: float, strategy: FeeAdjusterStrategy, *, trend: float, group: float) -> int:
    """Before the limits."""
    return round(base_ppm * (1 + strategy.adjustment + trend * strategy.trend_sensitivity) * (1 + group))


def wish_fee_adjuster(cycle: CycleInput, given: ChannelInput, *, strategy: FeeAdjusterStrategy) -> Wish:
    """Without a market there is no wish. Of several groups of a channel the first by name counts."""
    terms = f"fee_adjuster, {strategy.min_fee_rate_ppm}..{strategy.max_fee_rate_ppm} ppm"
    if given.market is None:
        reason = "Nobody else's fees towards this peer are known (no data)"
        return Wish(rule="fee_adjuster/no-data", reason=reason, terms=terms)
    memory, median_ppm = given.memory.get("fee_adjuster"), given.market.median_fee_rate_ppm
    known = memory.days if isinstance(memory, FeeAdjusterMemory) else []
    today = DayValue(day=int(cycle.now.timestamp()) // DAY_S, ppm=float(median_ppm))
    days = add_day(known, today, kept=MONTH)
    trend = measure_trend(days)
    group = next((strategy.group_adjustments[tag] for tag in given.tags if tag in strategy.group_adjustments), 0.0)
    return Wish(
        rule="fee_adjuster",
        reason=(
            f"Others charge {median_ppm} ppm towards this peer in the median; adjusted by {strategy.adjustment:+.0%}, "
            f"{trend * strategy.trend_sensitivity:+.1%} for the trend and {group:+.0%} for the group"
        ),
        terms=terms,
        fee_rate_ppm=adjust_rate(median_ppm, strategy, trend=trend, group=group),
        own_hold=bound_rate(
            ask_rate(median_ppm, strategy, trend=trend, group=group),
            lowest=strategy.min_fee_rate_ppm,
            highest=strategy.max_fee_rate_ppm,
        ),
        memory=FeeAdjusterMemory(days=days),
    )


def _average(days: Sequence[DayValue]) -> float:
    return sum(each.ppm for each in days) / len(days)
