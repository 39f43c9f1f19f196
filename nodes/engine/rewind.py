"""How a node stood on an earlier day: worked back from its newest report through what flowed and changed since."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from msgspec import structs

from nodes.engine.cycle import Memories
from nodes.engine.policy_change import PolicyChange, list_since
from nodes.engine.prepare import NodeFacts
from nodes.engine.report import ChannelPolicy, ChannelState, Forward

BLOCK = dt.timedelta(minutes=10)


def rewind_facts(facts: NodeFacts, to: dt.datetime) -> NodeFacts:
    """The facts as they were at `to`: earlier forwards and changes only, channels that were open, balances and fee
    rates of then. What is not in the forwards (rebalances, the node's own payments) is not undone; a balance stays
    between 0 and what both sides hold. `facts.forwards` must reach back as far as is asked.

    What was reported later and is not known for then is hidden: the peers' policies and uptime, the graph, the market,
    on-chain fees. Every channel counts as active and the node as synced. Base fees, limits of payments, the commitment
    fee and whether a channel is switched off are those of the report; closed channels are missing.
    """
    moved_msat = _sum_moves(forward for forward in facts.forwards if forward.settled_at >= to)
    node = facts.snapshot.node
    blocks = (facts.snapshot.taken_at - to) // BLOCK
    changes = {scid: [change for change in kept if change.at < to] for scid, kept in facts.changes.items()}
    later = {scid: list_since(kept, to) for scid, kept in facts.changes.items()}
    return replace(
        facts,
        snapshot=structs.replace(
            facts.snapshot,
            taken_at=to,
            node=structs.replace(
                node, block_height=max(0, node.block_height - blocks), synced_to_chain=True, onchain_fees={}
            ),
            channels=[
                _rewind_channel(
                    channel,
                    moved_msat,
                    to=to,
                    earlier=changes.get(channel.short_channel_id, []),
                    later=later.get(channel.short_channel_id, []),
                )
                for channel in facts.snapshot.channels
                if channel.opened_at is None or channel.opened_at <= to
            ],
        ),
        forwards=[forward for forward in facts.forwards if forward.settled_at < to],
        changes=changes,
        positions={},
        markets={},
        memories=Memories(),
    )


def _sum_moves(forwards: Iterable[Forward]) -> Mapping[str, int]:
    """By channel, how much more is ours through these forwards, in msat."""
    moves: defaultdict[str, int] = defaultdict(int)
    for forward in forwards:
        if forward.status == "settled":
            moves[forward.incoming_scid] += forward.in_msat
            moves[forward.outgoing_scid] -= forward.out_msat
    return moves


def _rewind_channel(
    channel: ChannelState,
    moved_msat: Mapping[str, int],
    *,
    to: dt.datetime,
    earlier: Sequence[PolicyChange],
    later: Sequence[PolicyChange],
) -> ChannelState:
    both_sat = channel.local_balance_sat + channel.remote_balance_sat
    moved_sat = moved_msat.get(channel.short_channel_id, 0) // 1000
    local_sat = min(max(0, channel.local_balance_sat - moved_sat), both_sat)
    own = channel.own_policy
    return structs.replace(
        channel,
        local_balance_sat=local_sat,
        remote_balance_sat=both_sat - local_sat,
        own_policy=None if own is None else _rewind_policy(own, to, earlier=earlier, later=later),
        peer_policy=None,
        pending_htlcs=0,
        active=True,
        uptime_s=None,
        lifetime_s=None,
    )


def _rewind_policy(
    own: ChannelPolicy, to: dt.datetime, *, earlier: Sequence[PolicyChange], later: Sequence[PolicyChange]
) -> ChannelPolicy:
    """With the rates the first later change left behind, and the time of the last change before."""
    first = later[0] if later else None
    outbound, inbound = (first.old_fee_rate_ppm, first.old_inbound_fee_rate_ppm) if first else (None, None)
    last_update = own.last_update
    if last_update is None or last_update > to.timestamp():
        last_update = int(earlier[-1].at.timestamp()) if earlier else None
    return structs.replace(
        own,
        fee_rate_ppm=own.fee_rate_ppm if outbound is None else outbound,
        inbound_fee_rate_ppm=own.inbound_fee_rate_ppm if inbound is None else inbound,
        last_update=last_update,
    )
