"""From what was reported to what the engine decides on. Pure: pipeline, simulator and backtest share it."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from nodes.engine.balance import measure_balance, sum_peer_balance
from nodes.engine.cycle import (
    ChannelInput,
    CycleInput,
    FeeChange,
    FlowWindow,
    MarketSample,
    Memories,
    PeerTotals,
    SharedSum,
)
from nodes.engine.document import FeePolicy
from nodes.engine.flow import measure_days_observed, sum_flows, total_flows
from nodes.engine.report import ChannelState, Forward, NodeSnapshot
from nodes.engine.scoring import score_channel
from nodes.engine.types import FlowTotals, PeerPosition
from nodes.engine.version import ENGINE_VERSION
from nodes.engine.window import make_empty_windows, measure_windows

FLOW_WINDOW = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """All that one run works on. Mappings are by short_channel_id or by the peer's pubkey."""

    snapshot: NodeSnapshot
    forwards: Sequence[Forward]  # of `find_lookback(policy)` before the snapshot
    history_since: dt.datetime | None
    policy: FeePolicy = field(default_factory=FeePolicy)
    policy_version: int = 0
    own_pubkey: str | None = None
    fee_changed_at: Mapping[str, dt.datetime] = field(default_factory=dict)
    positions: Mapping[str, PeerPosition] = field(default_factory=dict)
    markets: Mapping[str, list[MarketSample]] = field(default_factory=dict)
    changes: Mapping[str, list[FeeChange]] = field(default_factory=dict)
    memories: Memories = field(default_factory=Memories)


def list_periods(policy: FeePolicy) -> list[int]:
    """The lengths in seconds of the windows a fee policy looks at, shortest first."""
    activities = [rule.match.activity for rule in policy.rules]
    return sorted({activity.period_s for activity in activities if activity is not None})


def find_lookback(policy: FeePolicy) -> dt.timedelta:
    """How far before the snapshot forwards are needed."""
    return max([FLOW_WINDOW, *(dt.timedelta(seconds=period) for period in list_periods(policy))])


def prepare_run(facts: NodeFacts) -> tuple[CycleInput, list[ChannelInput]]:
    """What `decide_node` takes: one value for the run, one a channel in the order of the snapshot."""
    cycle = CycleInput(
        engine_version=ENGINE_VERSION,
        now=facts.snapshot.taken_at,
        own_pubkey=facts.own_pubkey,
        node=facts.snapshot.node,
        policy=facts.policy,
        policy_version=facts.policy_version,
        memory=facts.memories.node,
    )
    flows = _measure_flows(facts)
    windows = _measure_windows(facts)
    totals = _total_peers(facts.snapshot.channels, flows)
    tags = _list_tags(facts.policy)
    return cycle, [
        _prepare_channel(
            facts, channel, flow=flows[channel.short_channel_id], totals=totals, windows=windows, tags=tags
        )
        for channel in facts.snapshot.channels
    ]


def _prepare_channel(
    facts: NodeFacts,
    channel: ChannelState,
    *,
    flow: FlowTotals,
    totals: Mapping[str, PeerTotals],
    windows: Mapping[str, dict[int, FlowWindow]],
    tags: Mapping[str, list[str]],
) -> ChannelInput:
    scid, peer, now = channel.short_channel_id, channel.peer_pubkey, facts.snapshot.taken_at
    position = facts.positions.get(peer)
    return ChannelInput(
        channel=channel,
        flow=flow,
        windows=windows[scid],
        peer=totals[peer],
        position=position,
        market=facts.markets.get(peer, []),
        score=score_channel(channel, flow, peer=position, block_height=facts.snapshot.node.block_height, now=now),
        tags=sorted({*tags.get(scid, ()), *tags.get(peer, ())}),
        last_change_at=facts.fee_changed_at.get(scid),
        changes=facts.changes.get(scid, []),
        memory=facts.memories.channels.get(scid, {}),
        peer_memory=facts.memories.peers.get(peer, {}),
    )


def _measure_flows(facts: NodeFacts) -> dict[str, FlowTotals]:
    now = facts.snapshot.taken_at
    idle = FlowTotals(days_observed=measure_days_observed(facts.history_since, now))
    measured = total_flows(facts.forwards, now=now, history_since=facts.history_since)
    return {
        channel.short_channel_id: measured.get(channel.short_channel_id, idle) for channel in facts.snapshot.channels
    }


def _measure_windows(facts: NodeFacts) -> dict[str, dict[int, FlowWindow]]:
    now, periods = facts.snapshot.taken_at, list_periods(facts.policy)
    measured = measure_windows(facts.forwards, periods, now=now, history_since=facts.history_since)
    empty = make_empty_windows(periods, now=now, history_since=facts.history_since)
    return {
        channel.short_channel_id: measured.get(channel.short_channel_id, empty) for channel in facts.snapshot.channels
    }


def _total_peers(channels: Iterable[ChannelState], flows: Mapping[str, FlowTotals]) -> dict[str, PeerTotals]:
    by_peer: dict[str, list[ChannelState]] = defaultdict(list)
    for channel in channels:
        by_peer[channel.peer_pubkey].append(channel)
    return {peer: _total_peer(shared, flows) for peer, shared in by_peer.items()}


def _total_peer(channels: list[ChannelState], flows: Mapping[str, FlowTotals]) -> PeerTotals:
    """LNDg sums the channels it prices: active and public ones (all of them where none is)."""
    priced = [channel for channel in channels if channel.active and not channel.private] or channels
    balance = sum_peer_balance(priced)
    return PeerTotals(
        capacity_sat=balance.capacity_sat,
        local_sat=balance.local_sat,
        remote_sat=balance.remote_sat,
        flow=sum_flows([flows[channel.short_channel_id] for channel in priced]),
        active=_sum_shared([channel for channel in channels if channel.active]),
        inactive=_sum_shared([channel for channel in channels if not channel.active]),
    )


def _sum_shared(channels: list[ChannelState]) -> SharedSum:
    balances = [measure_balance(channel) for channel in channels]
    return SharedSum(
        channels=len(channels),
        local_sat=sum(balance.local_sat for balance in balances),
        remote_sat=sum(balance.remote_sat for balance in balances),
    )


def _list_tags(policy: FeePolicy) -> dict[str, list[str]]:
    """By short_channel_id or pubkey, the tags it bears."""
    tags: dict[str, list[str]] = defaultdict(list)
    for tag, members in policy.tags.items():
        for member in members:
            tags[member].append(tag)
    return tags
