"""How fast the network takes new policies: who announces too many is heard later.

An LND that hears of a channel takes a burst of ten updates of each direction and then one a minute (its defaults
`gossip.max-channel-update-burst` and `gossip.channel-update-interval`); the rest it drops, until it is told again.
"""

from msgspec import Struct

from nodes.engine.report import PeerPolicy

BURST = 10
INTERVAL_NS = 60 * 10**9


class Gossip(Struct, kw_only=True):
    """What the others have heard of one direction of a channel, and how much they would still listen to."""

    heard: PeerPolicy | None
    credit_ns: int = BURST * INTERVAL_NS
    as_of_ns: int


def listen(gossip: Gossip, policy: PeerPolicy | None, *, now_ns: int) -> Gossip:
    """The same, later: the present policy is heard as soon as there is credit for it."""
    credit_ns = min(BURST * INTERVAL_NS, gossip.credit_ns + max(0, now_ns - gossip.as_of_ns))
    if policy == gossip.heard or credit_ns < INTERVAL_NS:
        return Gossip(heard=gossip.heard, credit_ns=credit_ns, as_of_ns=now_ns)
    return Gossip(heard=policy, credit_ns=credit_ns - INTERVAL_NS, as_of_ns=now_ns)
