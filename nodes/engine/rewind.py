"""How a node stood on an earlier day: worked back from its newest report through what flowed and changed since."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from msgspec import structs

from nodes.engine.policy_change import PolicyChange, list_since
from nodes.engine.prepare import NodeFacts
from nodes.engine.report import ChannelState, Forward

BLOCK = dt.timedelta(minutes=10)


def rewind_facts(facts: NodeFacts, to: dt.datetime) -> NodeFacts:
    """The facts as they were at `to`: earlier forwards and changes only, channels that were open, balances and fee
    rates of then. What is not in the forwards (rebalances, the node's own payments) is not undone; a balance stays
    between 0 and what both sides hold. `facts.forwards` must reach back as far as is asked.
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
            node=structs.replace(node, block_height=max(0, node.block_height - blocks)),
            channels=[
                _rewind_channel(channel, moved_msat, later=later.get(channel.short_channel_id, []))
                for channel in facts.snapshot.channels
                if channel.opened_at is None or channel.opened_at <= to
            ],
        ),
        forwards=[forward for forward in facts.forwards if forward.settled_at < to],
        changes=changes,
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
    channel: ChannelState, moved_msat: Mapping[str, int], *, later: Sequence[PolicyChange]
) -> ChannelState:
    both_sat = channel.local_balance_sat + channel.remote_balance_sat
    moved_sat = moved_msat.get(channel.short_channel_id, 0) // 1000
    local_sat = min(max(0, channel.local_balance_sat - moved_sat), both_sat)
    own = channel.own_policy
    if own is not None and later and later[0].old_fee_rate_ppm is not None:
        own = structs.replace(own, fee_rate_ppm=later[0].old_fee_rate_ppm)
    return structs.replace(
        channel, local_balance_sat=local_sat, remote_balance_sat=both_sat - local_sat, own_policy=own, pending_htlcs=0
    )
