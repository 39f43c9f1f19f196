"""The score of a channel: seven weighted heuristics, each 0 (bad) .. 1 (good).

A heuristic whose input is missing has no value and leaves its weight out; nothing is assumed in its place. Only + - * /
are used, so a score is the same on every machine, bit for bit. The typical figures come from snapshots of the public
graph (2024-09-22, ages 2025-03-01) and, for traffic, from one public routing node with 85 channels (docs/scoring.md).
"""

import datetime as dt
import math

from nodes.engine.balance import measure_balance
from nodes.engine.report import ChannelState
from nodes.engine.types import FlowTotals, PeerPosition, ScoreCard, ScorePart, ScorePartName

WEIGHTS: dict[ScorePartName, float] = {
    "centrality": 0.20,
    "volume": 0.20,
    "uptime": 0.10,
    "liquidity": 0.25,
    "competitiveness": 0.15,
    "age": 0.05,
    "peer_quality": 0.05,
}
TYPICAL_WEEKLY_TURNOVER = 0.077  # that node: 6.50 BTC a year through 3.24 BTC of channels, in and out
TYPICAL_AGE_DAYS = 378  # median age of a public channel
TYPICAL_CHANNEL_COUNT = 10  # nine of ten nodes have no more
TYPICAL_PEER_CAPACITY_SAT = 15_000_000  # as many channels of the median capacity, 1,500,000 sat
BLOCKS_PER_DAY = 144
DAY = dt.timedelta(days=1)


def score_channel(
    channel: ChannelState, flow: FlowTotals, *, peer: PeerPosition | None, block_height: int, now: dt.datetime
) -> ScoreCard:
    """Score one channel; `block_height` is the node's, `now` the moment of the snapshot."""
    parts = [
        score_centrality(peer),
        score_volume(flow, channel.capacity_sat),
        score_uptime(channel.uptime_s, channel.lifetime_s),
        score_liquidity(channel),
        score_competitiveness(channel, peer),
        score_age(channel, block_height=block_height, now=now),
        score_peer_quality(peer),
    ]
    return weigh_parts(parts)


def weigh_parts(parts: list[ScorePart]) -> ScoreCard:
    """The weighted mean of the parts that have a value."""
    known = [(part.weight, part.value) for part in parts if part.value is not None]
    weight_known = math.fsum(weight for weight, _ in known)
    weight_all = math.fsum(part.weight for part in parts)
    return ScoreCard(
        value=min(1.0, math.fsum(weight * value for weight, value in known) / weight_known) if weight_known else None,
        weight_known=weight_known / weight_all if weight_all else 0.0,
        parts=parts,
    )


def score_centrality(peer: PeerPosition | None) -> ScorePart:
    """Share of the other nodes that lie on fewer shortest paths: (node_count - rank) / (node_count - 1).

    Source: rank of exact betweenness (Freeman 1977) over the public graph. Half of all nodes lie on no shortest path
    and share one rank in the middle; none is less central than they, so they score 0. Missing: peer not in the graph.
    """
    value = None
    if peer is not None and peer.node_count > 1:
        value = (peer.node_count - peer.betweenness_rank) / (peer.node_count - 1) if peer.betweenness > 0 else 0.0
    return _make_part(
        "centrality",
        value,
        betweenness=peer.betweenness if peer else None,
        betweenness_rank=peer.betweenness_rank if peer else None,
        node_count=peer.node_count if peer else None,
    )


def score_volume(flow: FlowTotals, capacity_sat: int) -> ScorePart:
    """Weekly turnover t = (in + out) / capacity, scored t / (t + 0.077): that of a real routing node scores 0.5.

    It saturates because traffic is heavy-tailed (10 channels of 85 earn 38 % of the fees): on a straight scale a few
    channels would push all others to 0. Missing: less than a day of history.
    """
    turnover = None
    if flow.days_observed >= 1:
        turnover = (flow.in_7d_msat + flow.out_7d_msat) / 1000 / capacity_sat * (7 / flow.days_observed)
    return _make_part(
        "volume",
        None if turnover is None else _saturate(turnover, TYPICAL_WEEKLY_TURNOVER),
        in_7d_msat=flow.in_7d_msat,
        out_7d_msat=flow.out_7d_msat,
        capacity_sat=capacity_sat,
        days_observed=flow.days_observed,
    )


def score_uptime(uptime_s: int | None, lifetime_s: int | None) -> ScorePart:
    """Share of the watched time the peer was online: uptime_s / lifetime_s (LND: a channel's `uptime`, `lifetime`).

    Missing: not reported, or not watched yet.
    """
    value = min(1.0, uptime_s / lifetime_s) if uptime_s is not None and lifetime_s else None
    return _make_part("uptime", value, uptime_s=uptime_s, lifetime_s=lifetime_s)


def score_liquidity(channel: ChannelState) -> ScorePart:
    """1 when half of the balance is ours, 0 when one side holds all: 1 - |2 * local / (local + remote) - 1|.

    Balances by charge-lnd's definition (`balance.py`). Missing: both sides hold nothing.
    """
    balance = measure_balance(channel)
    ratio = balance.local_ratio
    value = None if ratio is None else 1.0 - abs(2.0 * ratio - 1.0)
    return _make_part("liquidity", value, local_sat=balance.local_sat, remote_sat=balance.remote_sat)


def score_competitiveness(channel: ChannelState, peer: PeerPosition | None) -> ScorePart:
    """1 at or below what others charge towards this peer, then falling in proportion: market / own.

    The market is the capacity-weighted median of the other channels' fee rates. Missing: own policy, or no market.
    """
    own_ppm = channel.own_policy.fee_rate_ppm if channel.own_policy else None
    market_ppm = peer.market_fee_rate_ppm if peer else None
    value = None
    if own_ppm is not None and market_ppm is not None:
        value = 1.0 if own_ppm <= market_ppm else market_ppm / own_ppm
    return _make_part("competitiveness", value, fee_rate_ppm=own_ppm, market_fee_rate_ppm=market_ppm)


def score_age(channel: ChannelState, *, block_height: int, now: dt.datetime) -> ScorePart:
    """Days d since the channel opened, scored d / (d + 378): the median public channel scores 0.5.

    From `opened_at`, or else from the block in the short_channel_id at 144 blocks a day. Missing: no `opened_at`, and a
    block outside 1..block_height (0: a placeholder; beyond: the alias of an unconfirmed channel).
    """
    block = int(channel.short_channel_id.split("x")[0])
    age_days: float | None = None
    if channel.opened_at is not None and channel.opened_at <= now:
        age_days = (now - channel.opened_at) / DAY
    elif channel.opened_at is None and 1 <= block <= block_height:
        age_days = (block_height - block) / BLOCKS_PER_DAY
    return _make_part("age", None if age_days is None else _saturate(age_days, TYPICAL_AGE_DAYS), age_days=age_days)


def score_peer_quality(peer: PeerPosition | None) -> ScorePart:
    """How well the peer can pass payments on, by its number of channels n and its capacity c in sat.

    Mean of n / (n + 10) and c / (c + 15,000,000): nine of ten nodes have no more channels, and 15,000,000 sat is as
    many of the median capacity. Missing: peer not in the graph.
    """
    if peer is None:
        return _make_part("peer_quality", None, channel_count=None, capacity_sat=None)
    breadth = _saturate(peer.channel_count, TYPICAL_CHANNEL_COUNT)
    depth = _saturate(peer.capacity_sat, TYPICAL_PEER_CAPACITY_SAT)
    return _make_part(
        "peer_quality", (breadth + depth) / 2, channel_count=peer.channel_count, capacity_sat=peer.capacity_sat
    )


def _saturate(amount: float, typical: float) -> float:
    return amount / (amount + typical)


def _make_part(name: ScorePartName, value: float | None, **inputs: float | None) -> ScorePart:
    return ScorePart(name=name, weight=WEIGHTS[name], value=value, inputs=inputs)
