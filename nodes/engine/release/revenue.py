"""What the canary earns against the hold-out: a difference in differences, paired by day.

Each group's day is divided by the group's own mean day before the release, so groups of any size compare:
`effect = canary after / canary before - hold-out after / hold-out before`, in percent of the canary's level before.
What hits both groups alike (a quiet week, a new fee market) cancels out.

Source: difference in differences, D. Card and A. Krueger, American Economic Review 84 (1994) 772. The interval is
Welch's t over days, each day one pair; the mean before is itself measured, and its part of the variance comes in by the
delta method. Days are taken as independent, which makes the interval too narrow where they are not.
"""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, variance

from msgspec import Struct

from nodes.engine.release.student import find_t_quantile
from nodes.engine.report import Forward

FEWEST_DAYS = 3


class DayPair(Struct, frozen=True):
    """Net revenue of one UTC day, in msat: of the canary and of the hold-out."""

    canary_msat: int
    hold_out_msat: int


class Comparison(Struct, frozen=True, kw_only=True):
    """In percent of the canary's level before; negative: it earns less than the hold-out lets expect."""

    change_percent: float
    low_percent: float
    high_percent: float
    days_before: int
    days_after: int


def compare_groups(
    before: Sequence[DayPair], after: Sequence[DayPair], *, confidence_percent: int
) -> Comparison | None:
    """None is "no data": fewer than three days on a side, a group that earned nothing before, nothing after."""
    if min(len(before), len(after)) < FEWEST_DAYS or not any(pair.canary_msat or pair.hold_out_msat for pair in after):
        return None
    canary_level = mean(pair.canary_msat for pair in before)
    held_level = mean(pair.hold_out_msat for pair in before)
    if canary_level <= 0 or held_level <= 0:
        return None
    canary_ratio = mean(pair.canary_msat for pair in after) / canary_level
    held_ratio = mean(pair.hold_out_msat for pair in after) / held_level
    change = canary_ratio - held_ratio
    margin = _measure_margin(
        [
            pair.canary_msat / canary_level * canary_ratio - pair.hold_out_msat / held_level * held_ratio
            for pair in before
        ],
        [pair.canary_msat / canary_level - pair.hold_out_msat / held_level for pair in after],
        tail=1 - confidence_percent / 100,
    )
    return Comparison(
        change_percent=round(100 * change, 3),
        low_percent=round(100 * (change - margin), 3),
        high_percent=round(100 * (change + margin), 3),
        days_before=len(before),
        days_after=len(after),
    )


def sum_by_day(
    forwards: Iterable[Forward],
    groups: Mapping[str, str],
    *,
    days: Sequence[dt.date],
    costs_msat: Mapping[tuple[str, dt.date], int] | None = None,
) -> list[DayPair]:
    """Fees of settled forwards by the channel they left through, a pair a day, idle days included.

    `groups`: "canary" or "hold_out" by short_channel_id; others do not count. `costs_msat`: what rebalancing a channel
    cost on a day, where it is known.
    """
    earned = {(group, day): 0 for group in ("canary", "hold_out") for day in days}
    for forward in forwards:
        key = (groups.get(forward.outgoing_scid, ""), forward.settled_at.astimezone(dt.UTC).date())
        if forward.status == "settled" and key in earned:
            earned[key] += forward.fee_msat
    for (scid, day), cost_msat in (costs_msat or {}).items():
        if (groups.get(scid, ""), day) in earned:
            earned[groups[scid], day] -= cost_msat
    return [DayPair(earned["canary", day], earned["hold_out", day]) for day in days]


def _measure_margin(before: Sequence[float], after: Sequence[float], *, tail: float) -> float:
    """Half the width of Welch's interval; 0 where no day differs from another."""
    parts = [variance(days) / len(days) for days in (before, after)]
    total = sum(parts)
    if total < 1e-18:
        return 0.0
    degrees = total**2 / sum(part**2 / (len(days) - 1) for part, days in zip(parts, (before, after), strict=True))
    return find_t_quantile(tail, degrees) * math.sqrt(total)
