"""From what was reported to what the engine decides on. Pure: pipeline, simulator and backtest share it."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nodes.engine.cycle import (
    ChannelInput,
    CycleInput,
    FlowWindow,
    Memories,
    PeerTotals,
)
from nodes.engine.document import FeePolicy, Rule, Strategy, TimeOfDayStrategy, UseConfigStrategy
from nodes.engine.flow import measure_days_observed, total_flows
from nodes.engine.market import MarketSample, PeerMarket
from nodes.engine.policies.marginal.lesson import PERIODS_S
from nodes.engine.policy_change import PolicyChange
from nodes.engine.prepare_peer import measure_earned, measure_markets, total_peers
from nodes.engine.report import ChannelState, Forward, NodeSnapshot
from nodes.engine.scoring import score_channel
from nodes.engine.stateful_strategies import BrlnStrategy, ClbossStrategy, FeeAdjusterStrategy, MarginalStrategy
from nodes.engine.types import FlowTotals, PeerPosition
from nodes.engine.version import ENGINE_VERSION
from nodes.engine.window import make_empty_windows, measure_windows

MARKET_STRATEGIES = (ClbossStrategy, BrlnStrategy, FeeAdjusterStrategy, MarginalStrategy)
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
    draw_seed: str = ""
    positions: Mapping[str, PeerPosition] = field(default_factory=dict)
    markets: Mapping[str, Sequence[MarketSample]] = field(default_factory=dict)  # what leads to the peer, ours too
    changes: Mapping[str, list[PolicyChange]] = field(default_factory=dict)
    memories: Memories = field(default_factory=Memories)


def walk_rules(rules: Iterable[Rule]) -> Iterator[Rule]:
    """Those of nested configurations included."""
    for rule in rules:
        yield rule
        if isinstance(rule.strategy, UseConfigStrategy):
            yield from walk_rules(rule.strategy.rules)


def list_periods(policy: FeePolicy) -> list[int]:
    """The lengths in seconds of the windows a fee policy looks at, shortest first."""
    activities = [rule.match.activity for rule in walk_rules(policy.rules)]
    asked = {activity.period_s for activity in activities if activity is not None}
    learns = any(isinstance(strategy, MarginalStrategy) for strategy in _list_strategies(policy))
    return sorted(asked.union(PERIODS_S if learns else ()))


def find_lookback(policy: FeePolicy) -> dt.timedelta:
    """How far before the snapshot forwards are needed."""
    return max([FLOW_WINDOW, *(dt.timedelta(seconds=period) for period in list_periods(policy))])


def looks_at_market(policy: FeePolicy) -> bool:
    """Whether what others charge towards our peers is needed: it is much to read where nobody asks."""
    return any(isinstance(strategy, MARKET_STRATEGIES) for strategy in _list_strategies(policy))


def _list_strategies(policy: FeePolicy) -> list[Strategy]:
    """All that may price a channel, those inside others included."""
    named = [rule.strategy for rule in walk_rules(policy.rules) if rule.strategy is not None]
    return [*named, *(strategy.inner for strategy in named if isinstance(strategy, TimeOfDayStrategy))]


def prepare_run(facts: NodeFacts) -> tuple[CycleInput, list[ChannelInput]]:
    """What `decide_node` takes: one value for the run, one a channel in the order of the snapshot."""
    channels = facts.snapshot.channels
    cycle = CycleInput(
        engine_version=ENGINE_VERSION,
        now=facts.snapshot.taken_at,
        own_pubkey=facts.own_pubkey,
        draw_seed=facts.draw_seed,
        node=facts.snapshot.node,
        policy=facts.policy,
        policy_version=facts.policy_version,
        memory=facts.memories.node,
    )
    flows = _measure_flows(facts)
    windows = _measure_windows(facts)
    earned_msat = measure_earned(channels, facts.forwards, memories=facts.memories.peers, now=cycle.now)
    totals = total_peers(channels, flows, earned_msat=earned_msat)
    markets = measure_markets(channels, facts.markets, own_pubkey=facts.own_pubkey)
    tags = _list_tags(facts.policy)
    return cycle, [
        _prepare_channel(
            facts,
            channel,
            flow=flows[channel.short_channel_id],
            windows=windows[channel.short_channel_id],
            shared=(totals[channel.peer_pubkey], markets.get(channel.peer_pubkey)),
            tags=sorted({*tags.get(channel.short_channel_id, ()), *tags.get(channel.peer_pubkey, ())}),
        )
        for channel in channels
    ]


def _prepare_channel(
    facts: NodeFacts,
    channel: ChannelState,
    *,
    flow: FlowTotals,
    windows: dict[int, FlowWindow],
    shared: tuple[PeerTotals, PeerMarket | None],
    tags: list[str],
) -> ChannelInput:
    scid, pubkey, now = channel.short_channel_id, channel.peer_pubkey, facts.snapshot.taken_at
    (peer, market), position = shared, facts.positions.get(pubkey)
    return ChannelInput(
        channel=channel,
        flow=flow,
        windows=windows,
        peer=peer,
        market=market,
        position=position,
        score=score_channel(channel, flow, peer=position, block_height=facts.snapshot.node.block_height, now=now),
        tags=tags,
        changes=facts.changes.get(scid, []),
        memory=facts.memories.channels.get(scid, {}),
        peer_memory=facts.memories.peers.get(pubkey, {}),
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


def _list_tags(policy: FeePolicy) -> dict[str, list[str]]:
    """By short_channel_id or pubkey, the tags it bears."""
    tags: dict[str, list[str]] = defaultdict(list)
    for tag, members in policy.tags.items():
        for member in members:
            tags[member].append(tag)
    return tags
