"""Sums of forwards over any number of periods that end at the snapshot, in one pass.

A forward is added to the smallest period that holds it; the longer ones are running sums over these rings. Half-open
as in `flow`: `now - period <= settled_at < now`.
"""

import datetime as dt
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable

from nodes.engine.cycle import FlowWindow
from nodes.engine.report import Forward

FIELDS = (
    "htlcs_in", "htlcs_out", "in_sat", "out_sat", "in_msat", "out_msat", "revenue_msat", "assist_msat",
)  # fmt: skip
Sums = list[int]  # one for each of FIELDS


def measure_windows(
    forwards: Iterable[Forward], periods_s: Iterable[int], *, now: dt.datetime, history_since: dt.datetime | None
) -> dict[str, dict[int, FlowWindow]]:
    """By short_channel_id the window of each period; a channel that forwarded nothing is left out."""
    periods = sorted(set(periods_s))
    if not periods:
        return {}
    rings = _sum_rings(forwards, periods, now=now)
    covered = [is_covered(period, now=now, history_since=history_since) for period in periods]
    return {scid: _accumulate(sums, periods, covered=covered) for scid, sums in rings.items()}


def make_empty_windows(
    periods_s: Iterable[int], *, now: dt.datetime, history_since: dt.datetime | None
) -> dict[int, FlowWindow]:
    """Of a channel that forwarded nothing."""
    return {
        period: FlowWindow(is_covered=is_covered(period, now=now, history_since=history_since))
        for period in sorted(set(periods_s))
    }


def is_covered(period_s: int, *, now: dt.datetime, history_since: dt.datetime | None) -> bool:
    return history_since is not None and history_since <= now - dt.timedelta(seconds=period_s)


def _sum_rings(forwards: Iterable[Forward], periods: list[int], *, now: dt.datetime) -> dict[str, list[Sums]]:
    rings: defaultdict[str, list[Sums]] = defaultdict(lambda: [[0] * len(FIELDS) for _ in periods])
    for forward in forwards:
        age_s = (now - forward.settled_at).total_seconds()
        if forward.status != "settled" or not 0 < age_s <= periods[-1]:
            continue
        ring = bisect_left(periods, age_s)
        came, left = rings[forward.incoming_scid][ring], rings[forward.outgoing_scid][ring]
        came[0] += 1
        came[2] += forward.in_msat // 1000
        came[4] += forward.in_msat
        came[7] += forward.fee_msat
        left[1] += 1
        left[3] += forward.out_msat // 1000
        left[5] += forward.out_msat
        left[6] += forward.fee_msat
    return rings


def _accumulate(rings: list[Sums], periods: list[int], *, covered: list[bool]) -> dict[int, FlowWindow]:
    windows, running = {}, [0] * len(FIELDS)
    for period, sums, is_whole in zip(periods, rings, covered, strict=True):
        running = [total + more for total, more in zip(running, sums, strict=True)]
        windows[period] = FlowWindow(is_covered=is_whole, **dict(zip(FIELDS, running, strict=True)))
    return windows
