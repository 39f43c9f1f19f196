"""Values for the tests of the engine: one ordinary channel, and whatever a test wants different."""

import datetime as dt
from typing import Any

from msgspec.structs import replace

from nodes.engine.cycle import ChannelInput, CycleInput, PeerTotals
from nodes.engine.decision import decide_node
from nodes.engine.document import FeePolicy, Limits, LimitTable, Rule, Strategy
from nodes.engine.report import ChannelPolicy, ChannelState, Forward, NodeState
from nodes.engine.strategies import ProportionalStrategy
from nodes.engine.types import ChannelDecision, FlowTotals, PeerPosition, ScoreCard
from nodes.engine.version import ENGINE_VERSION

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


NODE = NodeState(alias="node", implementation="lnd", version="0.20", block_height=920_000, synced_to_chain=True)
PROPORTIONAL = ProportionalStrategy(min_fee_rate_ppm=50, max_fee_rate_ppm=1_000)


def make_cycle(policy: FeePolicy | None = None, **changes: Any) -> CycleInput:
    cycle = CycleInput(engine_version=ENGINE_VERSION, now=NOW, node=NODE, policy=policy or FeePolicy())
    return replace(cycle, **changes)


def make_policy_of(strategy: Strategy = PROPORTIONAL, limits: Limits | None = None) -> FeePolicy:
    """A document of one rule for all channels."""
    return FeePolicy(rules=[Rule(name="default", strategy=strategy)], limits=LimitTable(node=limits or Limits()))


def make_input(channel: ChannelState = CHANNEL, *, peer: dict[str, Any] | None = None, **changes: Any) -> ChannelInput:
    """A channel that is the only one with its peer and carried nothing for a week. `peer` changes the sums with it."""
    totals = PeerTotals(
        capacity_sat=channel.capacity_sat,
        local_sat=channel.local_balance_sat,
        remote_sat=channel.remote_balance_sat,
        flow=QUIET_WEEK,
    )
    given = ChannelInput(channel=channel, flow=QUIET_WEEK, peer=replace(totals, **peer or {}), score=NO_SCORE)
    return replace(given, **changes)


def decide(
    given: ChannelInput | None = None, strategy: Strategy = PROPORTIONAL, *, limits: Limits | None = None
) -> ChannelDecision:
    """The decision on one channel under one rule."""
    [decision] = decide_node(make_cycle(make_policy_of(strategy, limits)), [given or make_input()]).decisions
    return decision
