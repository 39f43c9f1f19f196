"""What the public graph says about the ways to our peers, as of now."""

from collections.abc import Mapping

from nodes.engine.market import MarketSample
from nodes.engine.report import PeerPolicy
from nodes.simulator.closed_loop.network import Network


class Survey:
    """By peer, every usable direction that leads to it, ours too. A change makes one sample anew, not all of them."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._peers = sorted({network.heads[direction] for direction in network.own_directions.values()})
        self._samples: dict[int, MarketSample | None] = {}  # empty until somebody looks
        self._shown: dict[str, list[MarketSample]] | None = None
        self._changes: dict[int, PeerPolicy | None] = {}

    def note(self, changes: Mapping[int, PeerPolicy | None]) -> None:
        self._changes.update(changes)
        self._shown = None

    def show(self) -> dict[str, list[MarketSample]]:
        if self._shown is None:
            network = self._network
            self._take_samples()
            self._shown = {
                network.pubkeys[peer]: [
                    sample
                    for direction in network.directions_towards[peer]
                    if (sample := self._samples[direction]) is not None
                ]
                for peer in self._peers
            }
        return self._shown

    def _take_samples(self) -> None:
        policies = self._network.policies
        if not self._samples:
            for peer in self._peers:
                for direction in self._network.directions_towards[peer]:
                    self._samples[direction] = self._take_sample(direction, policies[direction])
        for direction in self._changes.keys() & self._samples.keys():
            self._samples[direction] = self._take_sample(direction, self._changes[direction])
        self._changes.clear()

    def _take_sample(self, direction: int, policy: PeerPolicy | None) -> MarketSample | None:
        if policy is None or policy.disabled:
            return None
        network = self._network
        tail = network.tails[direction]
        return MarketSample(
            capacity_sat=network.capacities_msat[direction >> 1] // 1000,
            base_fee_msat=policy.base_fee_msat,
            fee_rate_ppm=policy.fee_rate_ppm,
            from_pubkey=network.pubkeys[tail],
            from_capacity_sat=network.node_capacities_msat[tail] // 1000,
        )
