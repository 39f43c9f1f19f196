"""A node in one answer: what it is, what it earns, its channels, and where it stands in the network.

Amounts without a unit in their name are in sat, as the contract names them. What is not known is null.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from msgspec import Struct

from nodes.engine.balance import measure_ratio
from nodes.engine.day import HistoryDay
from nodes.engine.feature import Feature
from nodes.engine.position import NetworkPosition, PublicNode
from nodes.engine.report import ChannelState, Forward, NodeState
from nodes.engine.types import FlowTotals
from recommendations.engine.provided import AmbossView, LNbitsView, SparkseerView

DAY = dt.timedelta(days=1)


class NodeCard(Struct, frozen=True, kw_only=True):
    """`color`, `features` and `announced_at` are what the node announces to the network, the rest what it reports."""

    alias: str | None
    color: str | None
    features: list[Feature] | None
    announced_at: dt.datetime | None
    implementation: str | None = None
    version: str | None = None
    block_height: int | None = None
    synced_to_chain: bool | None = None


class NodeMetrics(Struct, frozen=True, kw_only=True):
    """Sums over the open channels, and over forwards in windows that end at the newest snapshot. A window that is not
    wholly known gives null, but seven days that have begun: `days_observed` says how many they are.
    """

    total_channels: int | None
    active_channels: int | None = None
    private_channels: int | None = None
    total_capacity: int | None
    local_balance: int | None = None
    remote_balance: int | None = None
    routing_revenue_24h: int | None = None
    routing_revenue_24h_msat: int | None = None
    forwards_24h: int | None = None
    forwarded_24h_msat: int | None = None
    routing_revenue_7d: int | None = None
    routing_revenue_7d_msat: int | None = None
    forwards_7d: int | None = None
    days_observed: float | None = None


class ChannelInfo(Struct, frozen=True, kw_only=True):
    """One open channel. `local_ratio`: our share of what both sides hold, 0..1. `uptime_ratio`: how much of the time
    its peer was online. Flows: of seven days, null where fewer than one are known.
    """

    short_channel_id: str
    peer_pubkey: str
    peer_alias: str | None
    peer_betweenness_rank: int | None
    capacity_sat: int
    local_balance_sat: int
    remote_balance_sat: int
    local_ratio: float | None
    active: bool
    private: bool
    fee_rate_ppm: int | None
    base_fee_msat: int | None
    peer_fee_rate_ppm: int | None
    uptime_ratio: float | None
    in_7d_msat: int | None
    out_7d_msat: int | None
    revenue_7d_msat: int | None


class NodeInfo(Struct, frozen=True, kw_only=True):
    """All that is known of one node. `source`: who told it. `as_of`: when the newest snapshot was taken. `degraded`:
    what could not be had, or is old; a provider without the owner's key is not asked, and is none of these.
    """

    pubkey: str
    node_info: NodeCard
    metrics: NodeMetrics
    channels: list[ChannelInfo] | None
    network_position: NetworkPosition | None
    historical: list[HistoryDay] | None = None
    sparkseer: SparkseerView | None = None
    lnbits: LNbitsView | None = None
    amboss: AmbossView | None = None
    source: str
    as_of: dt.datetime | None
    degraded: list[str]


class NodeInfoAnswer(NodeInfo, frozen=True, kw_only=True):
    """All that is known of one node. `timestamp`: when this answer was made; `cache_hit`: it was kept."""

    timestamp: dt.datetime
    cache_hit: bool


def describe_own_node(public: PublicNode | None, state: NodeState | None) -> NodeCard:
    return NodeCard(
        alias=state.alias if state else public.alias if public else None,
        color=public.color if public else None,
        features=(public.features or None) if public else None,  # every node announces some: none are not known
        announced_at=public.announced_at if public else None,
        implementation=state.implementation if state else None,
        version=state.version if state else None,
        block_height=state.block_height if state else None,
        synced_to_chain=state.synced_to_chain if state else None,
    )


def describe_public_node(public: PublicNode) -> NodeInfo:
    """From the public graph alone."""
    return NodeInfo(
        pubkey=public.pubkey,
        node_info=describe_own_node(public, None),
        metrics=NodeMetrics(total_channels=public.channel_count, total_capacity=public.capacity_sat),
        channels=None,
        network_position=public.position,
        source="graph",
        as_of=None,
        degraded=[],
    )


def measure_node(
    channels: Sequence[ChannelState], forwards: Sequence[Forward], *, now: dt.datetime, days_observed: float
) -> NodeMetrics:
    """`forwards`: of the seven days before `now`, at which the channels were as they are given."""
    settled = [one for one in forwards if one.status == "settled" and one.settled_at < now]
    of_day = [one for one in settled if one.settled_at >= now - DAY] if days_observed >= 1 else None
    of_week = settled if days_observed >= 1 else None
    day_msat, week_msat = _sum_fees(of_day), _sum_fees(of_week)
    return NodeMetrics(
        total_channels=len(channels),
        active_channels=sum(one.active for one in channels),
        private_channels=sum(one.private for one in channels),
        total_capacity=sum(one.capacity_sat for one in channels),
        local_balance=sum(one.local_balance_sat for one in channels),
        remote_balance=sum(one.remote_balance_sat for one in channels),
        routing_revenue_24h=None if day_msat is None else day_msat // 1000,
        routing_revenue_24h_msat=day_msat,
        forwards_24h=None if of_day is None else len(of_day),
        forwarded_24h_msat=None if of_day is None else sum(one.out_msat for one in of_day),
        routing_revenue_7d=None if week_msat is None else week_msat // 1000,
        routing_revenue_7d_msat=week_msat,
        forwards_7d=None if of_week is None else len(of_week),
        days_observed=round(days_observed, 3),
    )


def describe_channel(channel: ChannelState, flow: FlowTotals, *, ranks: Mapping[str, int]) -> ChannelInfo:
    """`ranks`: of peers, by betweenness; a peer that is not in the graph has none."""
    own, peer = channel.own_policy, channel.peer_policy
    is_known = flow.days_observed >= 1
    ratio = measure_ratio(channel)
    return ChannelInfo(
        short_channel_id=channel.short_channel_id,
        peer_pubkey=channel.peer_pubkey,
        peer_alias=channel.peer_alias,
        peer_betweenness_rank=ranks.get(channel.peer_pubkey),
        capacity_sat=channel.capacity_sat,
        local_balance_sat=channel.local_balance_sat,
        remote_balance_sat=channel.remote_balance_sat,
        local_ratio=None if ratio is None else round(ratio, 4),
        active=channel.active,
        private=channel.private,
        fee_rate_ppm=own.fee_rate_ppm if own else None,
        base_fee_msat=own.base_fee_msat if own else None,
        peer_fee_rate_ppm=peer.fee_rate_ppm if peer else None,
        uptime_ratio=_measure_uptime(channel),
        in_7d_msat=flow.in_7d_msat if is_known else None,
        out_7d_msat=flow.out_7d_msat if is_known else None,
        revenue_7d_msat=flow.revenue_7d_msat if is_known else None,
    )


def _sum_fees(forwards: Sequence[Forward] | None) -> int | None:
    return None if forwards is None else sum(one.fee_msat for one in forwards)


def _measure_uptime(channel: ChannelState) -> float | None:
    if channel.uptime_s is None or not channel.lifetime_s:
        return None
    return round(min(1.0, channel.uptime_s / channel.lifetime_s), 4)
