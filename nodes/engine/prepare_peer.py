"""What the channels with one peer have in common: their sums, the market towards it, what it earned since last time."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from nodes.engine.balance import measure_balance, sum_peer_balance
from nodes.engine.cycle import PeerTotals, SharedSum
from nodes.engine.flow import sum_flows
from nodes.engine.market import MarketSample, PeerMarket, measure_market
from nodes.engine.memory import ClbossMemory, PeerMemories
from nodes.engine.report import ChannelState, Forward
from nodes.engine.types import FlowTotals


def total_peers(
    channels: Iterable[ChannelState], flows: Mapping[str, FlowTotals], *, earned_msat: Mapping[str, int]
) -> dict[str, PeerTotals]:
    """By pubkey, all our channels with a peer together."""
    return {
        peer: _total_peer(shared, flows, earned_msat=earned_msat.get(peer))
        for peer, shared in _group_channels(channels).items()
    }


def measure_markets(
    channels: Sequence[ChannelState], samples: Mapping[str, Sequence[MarketSample]], *, own_pubkey: str | None
) -> dict[str, PeerMarket]:
    """By pubkey, what others charge towards each peer with samples. Our own size is that of our public channels."""
    own_capacity_sat = sum(channel.capacity_sat for channel in channels if not channel.private)
    peers = sorted({channel.peer_pubkey for channel in channels} & samples.keys())
    measured = {
        peer: measure_market(samples[peer], own_pubkey=own_pubkey, own_capacity_sat=own_capacity_sat) for peer in peers
    }
    return {peer: market for peer, market in measured.items() if market is not None}


def measure_earned(
    channels: Iterable[ChannelState],
    forwards: Iterable[Forward],
    *,
    memories: Mapping[str, PeerMemories],
    now: dt.datetime,
) -> dict[str, int]:
    """By pubkey, in msat, the fees of settled forwards that left by a peer since its price was last looked at.

    Only of peers whose prices are tried out, for those that were looked at before.
    """
    since = {
        channel.short_channel_id: (channel.peer_pubkey, memory.at)
        for channel in channels
        if isinstance(memory := memories.get(channel.peer_pubkey, {}).get("clboss"), ClbossMemory)
    }
    earned_msat = {peer: 0 for peer, _ in since.values()}
    if not since:
        return {}
    for forward in forwards:
        peer, at = since.get(forward.outgoing_scid, ("", now))
        if forward.status == "settled" and at <= forward.settled_at < now:
            earned_msat[peer] += forward.fee_msat
    return earned_msat


def _group_channels(channels: Iterable[ChannelState]) -> dict[str, list[ChannelState]]:
    by_peer: dict[str, list[ChannelState]] = defaultdict(list)
    for channel in channels:
        by_peer[channel.peer_pubkey].append(channel)
    return by_peer


def _total_peer(
    channels: list[ChannelState], flows: Mapping[str, FlowTotals], *, earned_msat: int | None
) -> PeerTotals:
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
        earned_msat=earned_msat,
    )


def _sum_shared(channels: list[ChannelState]) -> SharedSum:
    balances = [measure_balance(channel) for channel in channels]
    return SharedSum(
        channels=len(channels),
        local_sat=sum(balance.local_sat for balance in balances),
        remote_sat=sum(balance.remote_sat for balance in balances),
    )
