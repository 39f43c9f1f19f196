"""Sums of what channels forwarded, in windows that end at the moment of the snapshot.

A window is half-open: `now - 7 days <= settled_at < now` (the same for one day).
Later forwards belong to the next snapshot.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence

from nodes.engine.report import Forward
from nodes.engine.types import FlowTotals, LargeFlow

DAY = dt.timedelta(days=1)
WEEK = dt.timedelta(days=7)
LARGE_MSAT = 1_000_000  # LNDg looks at forwards of at least 1,000 sat


def measure_days_observed(history_since: dt.datetime | None, now: dt.datetime) -> float:
    """Days of forwarding history inside the 7-day window, 0..7; 0 when no history was reported yet."""
    if history_since is None:
        return 0.0
    return min(7.0, max(0.0, (now - history_since) / DAY))


def total_flows(
    forwards: Iterable[Forward], *, now: dt.datetime, history_since: dt.datetime | None
) -> dict[str, FlowTotals]:
    """Totals of each channel that forwarded, by short_channel_id, in one pass.

    A channel that is not in the answer forwarded nothing: `FlowTotals(days_observed=measure_days_observed(...))`.
    """
    days_observed = measure_days_observed(history_since, now)
    tallies = _tally_forwards(forwards, now)
    return {short_channel_id: tally.total(days_observed) for short_channel_id, tally in tallies.items()}


def total_flow(
    forwards: Iterable[Forward], *, short_channel_ids: frozenset[str], now: dt.datetime, days_observed: float
) -> FlowTotals:
    """Totals of some channels together. A forward between two of them counts on both sides."""
    tallies = _tally_forwards(forwards, now)
    chosen = [tallies[scid].total(days_observed) for scid in sorted(short_channel_ids) if scid in tallies]
    return sum_flows([FlowTotals(days_observed=days_observed), *chosen])


def sum_flows(flows: Sequence[FlowTotals]) -> FlowTotals:
    """Totals of a peer from those of its channels. The sum knows no more days than the channel watched the shortest."""
    return FlowTotals(
        days_observed=min((flow.days_observed for flow in flows), default=0.0),
        in_1d_msat=sum(flow.in_1d_msat for flow in flows),
        in_7d_msat=sum(flow.in_7d_msat for flow in flows),
        out_1d_msat=sum(flow.out_1d_msat for flow in flows),
        out_7d_msat=sum(flow.out_7d_msat for flow in flows),
        revenue_7d_msat=sum(flow.revenue_7d_msat for flow in flows),
        assist_7d_msat=sum(flow.assist_7d_msat for flow in flows),
        forwards_7d=sum(flow.forwards_7d for flow in flows),
        out_forwards_7d=sum(flow.out_forwards_7d for flow in flows),
        failed_out_1d=sum(flow.failed_out_1d for flow in flows),
        large=LargeFlow(
            in_1d_sat=sum(flow.large.in_1d_sat for flow in flows),
            in_7d_sat=sum(flow.large.in_7d_sat for flow in flows),
            out_7d_sat=sum(flow.large.out_7d_sat for flow in flows),
            revenue_7d_msat=sum(flow.large.revenue_7d_msat for flow in flows),
            assist_7d_msat=sum(flow.large.assist_7d_msat for flow in flows),
        ),
    )


class _Tally:
    """The running sums of one channel."""

    __slots__ = (
        "assist_7d_msat",
        "failed_out_1d",
        "forwards_7d",
        "in_1d_msat",
        "in_7d_msat",
        "large_assist_7d_msat",
        "large_in_1d_msat",
        "large_in_7d_msat",
        "large_out_7d_msat",
        "large_revenue_7d_msat",
        "out_1d_msat",
        "out_7d_msat",
        "out_forwards_7d",
        "revenue_7d_msat",
    )

    def __init__(self) -> None:
        self.in_1d_msat = self.in_7d_msat = self.out_1d_msat = self.out_7d_msat = 0
        self.revenue_7d_msat = self.assist_7d_msat = self.forwards_7d = self.failed_out_1d = 0
        self.out_forwards_7d = 0
        self.large_in_1d_msat = self.large_in_7d_msat = self.large_out_7d_msat = 0
        self.large_revenue_7d_msat = self.large_assist_7d_msat = 0

    def add_incoming(self, forward: Forward, *, is_recent: bool) -> None:
        is_large = forward.out_msat >= LARGE_MSAT
        self.forwards_7d += 1
        self.in_7d_msat += forward.in_msat
        self.assist_7d_msat += forward.fee_msat
        if is_large:
            self.large_in_7d_msat += forward.out_msat
            self.large_assist_7d_msat += forward.fee_msat
        if is_recent:
            self.in_1d_msat += forward.in_msat
            self.large_in_1d_msat += forward.out_msat if is_large else 0

    def add_outgoing(self, forward: Forward, *, is_recent: bool) -> None:
        self.forwards_7d += 1
        self.out_forwards_7d += 1
        self.out_7d_msat += forward.out_msat
        self.revenue_7d_msat += forward.fee_msat
        if forward.out_msat >= LARGE_MSAT:
            self.large_out_7d_msat += forward.out_msat
            self.large_revenue_7d_msat += forward.fee_msat
        if is_recent:
            self.out_1d_msat += forward.out_msat

    def total(self, days_observed: float) -> FlowTotals:
        return FlowTotals(
            days_observed=days_observed,
            in_1d_msat=self.in_1d_msat,
            in_7d_msat=self.in_7d_msat,
            out_1d_msat=self.out_1d_msat,
            out_7d_msat=self.out_7d_msat,
            revenue_7d_msat=self.revenue_7d_msat,
            assist_7d_msat=self.assist_7d_msat,
            forwards_7d=self.forwards_7d,
            out_forwards_7d=self.out_forwards_7d,
            failed_out_1d=self.failed_out_1d,
            large=LargeFlow(
                in_1d_sat=self.large_in_1d_msat // 1000,
                in_7d_sat=self.large_in_7d_msat // 1000,
                out_7d_sat=self.large_out_7d_msat // 1000,
                revenue_7d_msat=self.large_revenue_7d_msat,
                assist_7d_msat=self.large_assist_7d_msat,
            ),
        )


def _tally_forwards(forwards: Iterable[Forward], now: dt.datetime) -> dict[str, _Tally]:
    week_start, day_start = now - WEEK, now - DAY
    tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
    for forward in forwards:
        settled_at = forward.settled_at
        if not week_start <= settled_at < now:
            continue
        is_recent = settled_at >= day_start
        if forward.status == "settled":
            tallies[forward.incoming_scid].add_incoming(forward, is_recent=is_recent)
            tallies[forward.outgoing_scid].add_outgoing(forward, is_recent=is_recent)
        elif is_recent and forward.status == "local_failed":
            tallies[forward.outgoing_scid].failed_out_1d += 1
    return tallies
