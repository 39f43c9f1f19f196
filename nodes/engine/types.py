"""What the fee pipeline works out of reports: flows, positions, scores, decisions and their effect.

Frozen msgspec structs, as those of `report`.
"""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

from nodes.engine.report import ChannelPolicy

# "change": the fees stay, and another field of the policy moves: a limit of payments, a time lock, the switch.
Direction = Literal["raise", "lower", "change", "keep"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


class LargeFlow(Struct, frozen=True, kw_only=True):
    """What LNDg's rule looks at: only settled forwards that sent out at least 1,000 sat, counted with the amount sent
    out on both sides, each channel's amounts cut to whole sat before channels are added up. Fees stay exact, in msat.
    """

    in_1d_sat: int = 0
    in_7d_sat: int = 0
    out_7d_sat: int = 0
    revenue_7d_msat: int = 0
    assist_7d_msat: int = 0


class FlowTotals(Struct, frozen=True, kw_only=True):
    """What a channel (or all channels of a peer) forwarded in the windows that end at the snapshot.

    `days_observed`: how many days of history the sums stand on, 0..7; below 1 nothing is known, callers say "no data".
    Amounts are those that crossed the channel itself: `in_` what came in by it, `out_` what left by it, of any size.
    """

    days_observed: float
    in_1d_msat: int = 0
    in_7d_msat: int = 0
    out_1d_msat: int = 0
    out_7d_msat: int = 0
    revenue_7d_msat: int = 0  # fees of forwards that left by the channel
    assist_7d_msat: int = 0  # fees of forwards that came in by it
    forwards_7d: int = 0  # settled, either direction
    out_forwards_7d: int = 0  # of them, those that left by the channel
    failed_out_1d: int = 0  # failed here for want of outgoing balance
    large: LargeFlow = LargeFlow()


class PeerPosition(Struct, frozen=True, kw_only=True):
    """A peer in the public graph. Ranks count from 1 (best); equal values share the best rank of their group."""

    channel_count: int
    capacity_sat: int
    betweenness: float
    betweenness_rank: int
    node_count: int  # nodes ranked: rank 1 of node_count
    market_fee_rate_ppm: int | None  # capacity-weighted median of what others charge towards this peer


ScorePartName = Literal["centrality", "volume", "uptime", "liquidity", "competitiveness", "age", "peer_quality"]


class ScorePart(Struct, frozen=True, kw_only=True):
    name: ScorePartName
    weight: float  # as configured, before missing parts are left out
    value: float | None  # 0 (bad) .. 1 (good); None: an input is missing
    inputs: dict[str, float | int | None]


class ScoreCard(Struct, frozen=True, kw_only=True):
    """`value` = sum(weight * value) / sum(weight) over the parts that have a value; None when none has."""

    value: float | None
    weight_known: float  # share of the weights that had data, 0..1: how far to trust the value
    parts: list[ScorePart]


class Effect(Struct, frozen=True, kw_only=True):
    """Expected change of fee income in sat a day, with its interval. `basis` says what it stands on."""

    sat_per_day: float
    low_sat_per_day: float
    high_sat_per_day: float
    basis: str


class ChannelDecision(Struct, frozen=True, kw_only=True):
    direction: Direction
    section: str | None  # the rule of the fee policy that priced the channel; None: none matches, or it is kept out
    rule: str  # which branch of which strategy spoke
    reason: str  # one sentence for the owner, with the numbers it stands on
    proposed_policy: ChannelPolicy | None  # the whole policy to write; None: nothing to compare with (policy not known)
    held_by: str | None  # the guard or limit that changed or stopped the strategy's wish
    effect: Effect | None  # None: no data
