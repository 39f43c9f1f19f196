"""charge-lnd's `match_peer`: what the peer charges us, each field unless the values name it."""

from collections.abc import Callable

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.document import Values
from nodes.engine.policies.values import frame_wish
from nodes.engine.strategies import MatchPeerStrategy
from nodes.engine.wish import Wish

FIELDS = ("base_fee_msat", "fee_rate_ppm", "inbound_base_fee_msat", "inbound_fee_rate_ppm")


def prepare_match_peer(
    cycle: CycleInput, values: Values, *, strategy: MatchPeerStrategy
) -> Callable[[ChannelInput], Wish]:
    """`inbound_level_ppm` has no say here, as in the original."""
    say = frame_wish(values, terms="match_peer", fields=())
    own = {name: value for name in FIELDS if (value := getattr(values, name)) is not None}

    def wish(given: ChannelInput) -> Wish:
        peer = given.channel.peer_policy
        if peer is None:
            return say(given, rule="match_peer/no-data", reason="What the peer charges is not known (no data)")
        matched = {name: getattr(peer, name) for name in FIELDS} | own
        return say(
            given,
            rule="match_peer",
            reason="The peer charges {} ppm and {} msat",
            facts=(peer.fee_rate_ppm, peer.base_fee_msat),
            **matched,
        )

    return wish
