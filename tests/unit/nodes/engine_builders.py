"""Values for the tests of the engine: one ordinary channel, and whatever a test wants different."""

import datetime as dt
from typing import Any

from msgspec.structs import replace

from nodes.engine.decision import ENGINE_VERSION
from nodes.engine.report import ChannelPolicy, ChannelState, Forward
from nodes.engine.types import (
    DecisionInput,
    FeePolicy,
    FlowStrategy,
    FlowTotals,
    Limits,
    PeerPosition,
    ProportionalStrategy,
    ScoreCard,
)

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
PEER = "02" + "ab" * 32
POLICY = ChannelPolicy(
    base_fee_msat=1000,
    fee_rate_ppm=800,
    time_lock_delta=80,
    min_htlc_msat=1000,
    max_htlc_msat=990_000_000,
    inbound_base_fee_msat=-7,
    inbound_fee_rate_ppm=-3,
    last_update=1_700_000_000,
)
CHANNEL = ChannelState(
    short_channel_id="800000x1x0",
    peer_pubkey=PEER,
    capacity_sat=1_000_000,
    local_balance_sat=920_000,
    remote_balance_sat=80_000,
    active=True,
    own_policy=POLICY,
)
POSITION = PeerPosition(
    channel_count=10,
    capacity_sat=15_000_000,
    betweenness=12.5,
    betweenness_rank=1,
    node_count=101,
    market_fee_rate_ppm=400,
)
NO_SCORE = ScoreCard(value=None, weight_known=0.0, parts=[])
QUIET_WEEK = FlowTotals(days_observed=7.0)


def make_channel(**changes: Any) -> ChannelState:
    return replace(CHANNEL, **changes)


def make_policy(**changes: Any) -> ChannelPolicy:
    return replace(POLICY, **changes)


def make_position(**changes: Any) -> PeerPosition:
    return replace(POSITION, **changes)


def make_forward(*, incoming: str = "1x1x1", outgoing: str = "2x2x2", **changes: Any) -> Forward:
    """A settled payment of 2,000 sat for a fee of 1 sat, an hour ago."""
    fields: dict[str, Any] = {"id": "f", "in_msat": 2_001_000, "out_msat": 2_000_000, "fee_msat": 1000}
    fields |= {"settled_at": NOW - dt.timedelta(hours=1)} | changes
    return Forward(incoming_scid=incoming, outgoing_scid=outgoing, **fields)


def make_input(
    *,
    channel: ChannelState = CHANNEL,
    strategy: ProportionalStrategy | FlowStrategy | None = None,
    limits: Limits | None = None,
    **changes: Any,
) -> DecisionInput:
    """The decision input of a channel that is the only one with its peer and carried nothing for a week."""
    given = DecisionInput(
        engine_version=ENGINE_VERSION,
        now=NOW,
        channel=channel,
        flow=QUIET_WEEK,
        peer_capacity_sat=channel.capacity_sat,
        peer_local_sat=channel.local_balance_sat,
        peer_remote_sat=channel.remote_balance_sat,
        peer_flow=QUIET_WEEK,
        peer=None,
        score=NO_SCORE,
        policy=FeePolicy(strategy=strategy or ProportionalStrategy(), limits=limits or Limits()),
        last_change_at=None,
    )
    return replace(given, **changes)
