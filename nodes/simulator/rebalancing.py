"""A node's owner moves sats in a circle now and then: from its fullest channel to its emptiest, for a fee.

Not measured at any node, but made so that there is something to see, and little enough to leave the balances as the
payments of others make them: a try on two days of three, of 20,000 to 200,000 sat, at a price of 50 to 600 ppm.
"""

import hashlib
from collections.abc import Sequence

from msgspec import Struct

from nodes.simulator.block import estimate_height
from nodes.simulator.seed import seed_random
from nodes.simulator.traffic import DAY_NS
from nodes.simulator.world import Channel, FleetNode, RebalanceRecord

DAYS_WITH_ONE = 2 / 3
LEAST_PPM, MOST_PPM = 50, 600
LEAST_SAT, MOST_SAT = 20_000, 200_000
FULL_ABOVE, EMPTY_BELOW = 0.6, 0.3


class Wish(Struct, frozen=True):
    """The owner of `pubkey` would like to rebalance at that moment."""

    at_ns: int
    pubkey: str
    amount_msat: int
    price_ppm: int


def plan_rebalances(node: FleetNode, day: int, *, seed: int) -> list[Wish]:
    """Of one UTC day (days since 1970). The same for a seed, whoever asks and when."""
    rng = seed_random(seed, "rebalance", node.pubkey, day)
    if rng.random() >= DAYS_WITH_ONE:
        return []
    at_ns = day * DAY_NS + rng.randrange(DAY_NS)
    return [Wish(at_ns, node.pubkey, rng.randint(LEAST_SAT, MOST_SAT) * 1000, rng.randint(LEAST_PPM, MOST_PPM))]


def rebalance(wish: Wish, node: FleetNode, *, channels: Sequence[Channel]) -> None:
    """Moves the sats and writes it down; nothing where no channel is full, none is empty, or too little is there."""
    able = [channel for channel in channels if channel.active]
    if len(able) < 2:
        return
    source = max(able, key=lambda channel: (_ratio(channel, node.pubkey), channel.channel_id))
    target = min(able, key=lambda channel: (_ratio(channel, node.pubkey), channel.channel_id))
    if _ratio(source, node.pubkey) < FULL_ABOVE or _ratio(target, node.pubkey) > EMPTY_BELOW:
        return
    (own, peer), (own_target, peer_target) = source.seen_by(node.pubkey), target.seen_by(node.pubkey)
    amount_msat = wish.amount_msat
    fee_msat = amount_msat * wish.price_ppm // 1_000_000
    is_there = source.spendable_msat(own) > amount_msat + fee_msat
    if not is_there or target.spendable_msat(peer_target) <= amount_msat or peer.pubkey == peer_target.pubkey:
        return
    own.balance_msat -= amount_msat + fee_msat
    own.sent_msat += amount_msat + fee_msat
    peer.balance_msat += amount_msat + fee_msat
    peer_target.balance_msat -= amount_msat
    peer_target.sent_msat += amount_msat
    own_target.balance_msat += amount_msat
    for channel, side in ((source, own), (target, peer_target)):
        side.htlc_count += 1
        channel.update_count += 2
    node.rebalances.append(
        RebalanceRecord(
            at_ns=wish.at_ns,
            outgoing_id=source.channel_id,
            incoming_id=target.channel_id,
            amount_msat=amount_msat,
            fee_msat=fee_msat,
            final_height=estimate_height(wish.at_ns // 10**9),
            payment_hash=hashlib.sha256(f"{node.pubkey}:{wish.at_ns}".encode()).digest(),
        )
    )


def _ratio(channel: Channel, pubkey: str) -> float:
    return channel.seen_by(pubkey)[0].balance_msat / (channel.capacity_sat * 1000)
