"""Which nodes of a fleet are Core Lightning's."""

from msgspec import structs

from nodes.simulator.world import FleetNode, World


def turn_into_cln(node: FleetNode, world: World) -> None:
    """Core Lightning has no inbound fees: what the graph's node charged there is left out."""
    node.implementation = "cln"
    for channel in world.channels_of(node.pubkey):
        own, _ = channel.seen_by(node.pubkey)
        if own.policy is not None:
            own.policy = structs.replace(own.policy, inbound_base_fee_msat=0, inbound_fee_rate_ppm=0)
