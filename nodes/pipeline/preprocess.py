"""From what was reported to what the engine reads: one value a channel, everything in it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from nodes.engine.balance import Balance, sum_peer_balance
from nodes.engine.flow import measure_days_observed, sum_flows, total_flows
from nodes.engine.report import ChannelState
from nodes.engine.types import FlowTotals, PeerPosition
from nodes.pipeline.ingest import NodeFacts


@dataclass(frozen=True, slots=True)
class PeerTotals:
    """All our channels with one peer together."""

    balance: Balance
    flow: FlowTotals


@dataclass(frozen=True, slots=True)
class PreparedChannel:
    channel: ChannelState
    flow: FlowTotals
    peer_totals: PeerTotals
    position: PeerPosition | None  # None: the public graph does not know the peer


def prepare_channels(facts: NodeFacts, positions: Mapping[str, PeerPosition]) -> list[PreparedChannel]:
    """Flows per channel, sums per peer and the peer's place in the network, in the order of the snapshot."""
    flows = _measure_flows(facts)
    by_peer: dict[str, list[ChannelState]] = defaultdict(list)
    for channel in facts.snapshot.channels:
        by_peer[channel.peer_pubkey].append(channel)
    totals = {peer: _total_peer(channels, flows) for peer, channels in by_peer.items()}
    return [
        PreparedChannel(
            channel=channel,
            flow=flows[channel.short_channel_id],
            peer_totals=totals[channel.peer_pubkey],
            position=positions.get(channel.peer_pubkey),
        )
        for channel in facts.snapshot.channels
    ]


def _measure_flows(facts: NodeFacts) -> dict[str, FlowTotals]:
    now = facts.snapshot.taken_at
    idle = FlowTotals(days_observed=measure_days_observed(facts.history_since, now))
    measured = total_flows(facts.forwards, now=now, history_since=facts.history_since)
    return {
        channel.short_channel_id: measured.get(channel.short_channel_id, idle) for channel in facts.snapshot.channels
    }


def _total_peer(channels: list[ChannelState], flows: Mapping[str, FlowTotals]) -> PeerTotals:
    """LNDg sums the channels it prices: active and public ones (all of them where none is)."""
    priced = [channel for channel in channels if channel.active and not channel.private] or channels
    return PeerTotals(sum_peer_balance(priced), sum_flows([flows[channel.short_channel_id] for channel in priced]))
