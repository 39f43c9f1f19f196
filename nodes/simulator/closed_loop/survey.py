"""What the public graph says about the ways to our peers, as of now."""

from collections.abc import Sequence

from nodes.engine.market import MarketSample
from nodes.engine.report import PeerPolicy
from nodes.simulator.closed_loop.network import Network


def survey_peers(network: Network, policies: Sequence[PeerPolicy | None]) -> dict[str, list[MarketSample]]:
    """By peer, every usable direction that leads to it, ours too."""
    peers = sorted({network.heads[direction] for direction in network.own_directions.values()})
    return {
        network.pubkeys[peer]: [
            MarketSample(
                capacity_sat=network.capacities_msat[direction >> 1] // 1000,
                base_fee_msat=policy.base_fee_msat,
                fee_rate_ppm=policy.fee_rate_ppm,
                from_pubkey=network.pubkeys[network.tails[direction]],
                from_capacity_sat=network.node_capacities_msat[network.tails[direction]] // 1000,
            )
            for direction in network.directions_towards[peer]
            if (policy := policies[direction]) is not None and not policy.disabled
        ]
        for peer in peers
    }
