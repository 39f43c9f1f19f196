"""What a node and its channels earned over the last days, from its own forwards. No data is null, never 0."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from nodes.engine.report import ChannelState, Forward
from nodes.engine.short_channel_id import channel_id_from_scid
from recommendations.engine.survey import DAY, Traffic, total_traffic

STEADY_SHARE = 0.05  # so much more or less is no trend
Trend = Literal["positive", "stable", "negative"]


class ChannelPerformance(Struct, frozen=True, kw_only=True):
    """Fees of what left by it, in sat. `uptime_percentage`: of its peer, by the node's own clock."""

    channel_id: str
    short_channel_id: str
    peer_pubkey: str
    capacity: int
    local_balance: int
    remote_balance: int
    fees_earned: int | None
    forwards_count: int | None
    volume: int | None
    uptime_percentage: float | None


class PerformanceMetrics(Struct, frozen=True, kw_only=True):
    """Of all channels together, in sat. `current_roi_percentage`: earned a year of the capacity, as in these days."""

    current_roi_percentage: float | None
    fees_earned: int | None
    forwards_count: int | None
    volume: int | None
    failed_count: int | None  # refused for want of balance
    total_capacity: int | None
    local_balance: int | None
    remote_balance: int | None
    uptime_percentage: float | None  # of the peers, weighed by capacity


class Performance(Struct, frozen=True, kw_only=True):
    """`known_days`: whole days of forwards that are known, of those asked for."""

    known_days: int
    roi_trend: Trend | None
    metrics: PerformanceMetrics
    channels: tuple[ChannelPerformance, ...]


def measure_performance(
    states: Sequence[ChannelState], forwards: Sequence[Forward], *, until: dt.datetime, days: int, before_days: int
) -> Performance:
    """`days`: those known of the days asked for; `before_days`: as many again before them, or 0 where not known."""
    traffic = total_traffic(forwards, until=until, days=days) if days else None
    channels = tuple(_measure_channel(state, traffic) for state in states)
    earned_msat = sum(one.earned_msat for one in traffic.values()) if traffic is not None else None
    before = total_traffic(forwards, until=until - days * DAY, days=before_days) if before_days else None
    before_msat = sum(one.earned_msat for one in before.values()) if before is not None else None
    return Performance(
        known_days=days,
        roi_trend=_compare(earned_msat, before_msat),
        metrics=_measure_node(states, traffic, days=days),
        channels=channels,
    )


def _measure_channel(state: ChannelState, traffic: dict[str, Traffic] | None) -> ChannelPerformance:
    own = None if traffic is None else traffic.get(state.short_channel_id, Traffic())
    return ChannelPerformance(
        channel_id=str(channel_id_from_scid(state.short_channel_id)),
        short_channel_id=state.short_channel_id,
        peer_pubkey=state.peer_pubkey,
        capacity=state.capacity_sat,
        local_balance=state.local_balance_sat,
        remote_balance=state.remote_balance_sat,
        fees_earned=own.earned_msat // 1000 if own else None,
        forwards_count=own.out_count if own else None,
        volume=own.out_msat // 1000 if own else None,
        uptime_percentage=_measure_uptime([state]),
    )


def _measure_node(
    states: Sequence[ChannelState], traffic: dict[str, Traffic] | None, *, days: int
) -> PerformanceMetrics:
    """Payments by channels that are closed by now count as well."""
    capacity_sat = sum(state.capacity_sat for state in states)
    flows = None if traffic is None else list(traffic.values())
    earned_msat = None if flows is None else sum(one.earned_msat for one in flows)
    roi = earned_msat / 1000 / days * 365 / capacity_sat * 100 if earned_msat is not None and capacity_sat else None
    return PerformanceMetrics(
        current_roi_percentage=None if roi is None else round(roi, 4),
        fees_earned=None if earned_msat is None else earned_msat // 1000,
        forwards_count=None if flows is None else sum(one.out_count for one in flows),
        volume=None if flows is None else sum(one.out_msat for one in flows) // 1000,
        failed_count=None if flows is None else sum(one.failed for one in flows),
        total_capacity=capacity_sat if states else None,
        local_balance=sum(state.local_balance_sat for state in states) if states else None,
        remote_balance=sum(state.remote_balance_sat for state in states) if states else None,
        uptime_percentage=_measure_uptime(states),
    )


def _measure_uptime(states: Sequence[ChannelState]) -> float | None:
    """Only of channels whose node keeps the time: LND does, since its start."""
    timed = [one for one in states if one.uptime_s is not None and one.lifetime_s]
    weight = sum(one.capacity_sat for one in timed)
    if not weight:
        return None
    share = sum(min(1.0, (one.uptime_s or 0) / (one.lifetime_s or 1)) * one.capacity_sat for one in timed) / weight
    return round(100 * share, 2)


def _compare(earned_msat: int | None, before_msat: int | None) -> Trend | None:
    """None: the days before are not known, or nothing was earned in either."""
    if earned_msat is None or before_msat is None or not (earned_msat or before_msat):
        return None
    change = earned_msat - before_msat
    if abs(change) <= STEADY_SHARE * max(earned_msat, before_msat):
        return "stable"
    return "positive" if change > 0 else "negative"
