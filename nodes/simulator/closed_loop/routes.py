"""The ways between two nodes that a sender may try: some through our node, some around it.

They are worked out once for a world, at the fees it starts with, and priced anew for every payment. A sender of the
real network searches the whole graph each time; what this leaves out is said in docs/simulator.md.
"""

import itertools
import math
import random
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from nodes.engine.report import PeerPolicy
from nodes.simulator.closed_loop.network import Network
from nodes.simulator.closed_loop.paths import OuterGraph
from nodes.simulator.closed_loop.sender import PRIOR, weigh_delay, weigh_doubt
from nodes.simulator.forwarding import price_forward

TYPICAL_AMOUNT_MSAT = 50_000_000
THROUGH_LIMIT, AROUND_LIMIT = 5, 3
_WAYS_IN, _WAYS_OUT = 6, 10  # the nearest of our peers to a sender, and to a receiver, that are combined
_TASTE = 0.35  # senders' maps and histories differ: log units on every direction's weight


class Leg(NamedTuple):
    directions: tuple[int, ...]
    weight: float


class RouteFinder:
    """Shortest paths among the usable directions that do not touch our node, under slightly different tastes."""

    def __init__(self, network: Network, rng: random.Random) -> None:
        self._network = network
        self._outer = OuterGraph(network)
        plain = [weigh_direction(network.policies[direction]) for direction in self._outer.directions]
        self._weights = [plain, *([w * rng.lognormvariate(0, _TASTE) for w in plain] for _ in range(AROUND_LIMIT - 1))]
        self._leave = [d for d in network.own_directions.values() if network.policies[d] is not None]
        self._peers = sorted({network.heads[direction] for direction in self._leave})
        self._onwards = cache(self._find_onwards)
        self._inwards = cache(self._find_inwards)

    def find_around(self, source: int, targets: Sequence[int]) -> dict[int, list[Leg]]:
        """Per target, cheapest first, the different paths that stay away from our node; none: no path."""
        found: dict[int, dict[tuple[int, ...], Leg]] = {target: {} for target in targets}
        for weights in self._weights:
            paths = self._outer.find_paths(source, targets, weights=weights)
            for target, path in zip(targets, paths, strict=True):
                if path:
                    leg = self._make_leg(path)
                    found[target].setdefault(leg.directions, leg)
        return {target: sorted(legs.values(), key=lambda leg: leg.weight) for target, legs in found.items()}

    def find_through(self, source: int, target: int) -> list[tuple[Leg, int]]:
        """The best ways over our node, each by another of our channels, with the hop that leaves us.

        Ranked by what others charge on the way: what we charge is ours to change.
        """
        best: dict[int, tuple[Leg, int]] = {}
        for (into, enter), (leave, onto) in itertools.product(
            self._inwards(source)[:_WAYS_IN], self._onwards(target)[:_WAYS_OUT]
        ):
            weight = into.weight + onto.weight
            if weight >= (best[leave][0].weight if leave in best else math.inf):
                continue
            directions = (*into.directions, enter, leave, *onto.directions)
            if self._is_simple(source, directions):
                best[leave] = Leg(directions, weight), len(into.directions) + 1
        return sorted(best.values(), key=lambda found: found[0].weight)[:THROUGH_LIMIT]

    def _find_inwards(self, source: int) -> list[tuple[Leg, int]]:
        """(the path from the source to a peer of ours, the peer's direction to us), nearest first."""
        paths = self._outer.find_paths(source, self._peers, weights=self._weights[source % len(self._weights)])
        legs = {peer: self._make_leg(path) for peer, path in zip(self._peers, paths, strict=True)}
        ways = []
        for leave in self._leave:
            peer, enter = self._network.heads[leave], leave ^ 1
            policy = self._network.policies[enter]
            if policy is None or policy.disabled or not (legs[peer].directions or peer == source):
                continue
            own_weight = 0.0 if peer == source else weigh_direction(policy)
            ways.append((Leg(legs[peer].directions, legs[peer].weight + own_weight), enter))
        return sorted(ways, key=lambda way: way[0].weight)

    def _find_onwards(self, target: int) -> list[tuple[int, Leg]]:
        """(our direction to a peer, the path from the peer to the target), nearest first."""
        paths = self._outer.find_paths(
            target, self._peers, weights=self._weights[target % len(self._weights)], mode="in"
        )
        legs = {peer: self._make_leg(path) for peer, path in zip(self._peers, paths, strict=True)}
        ways = [
            (leave, legs[peer])
            for leave in self._leave
            if legs[peer := self._network.heads[leave]].directions or peer == target
        ]
        return sorted(ways, key=lambda way: way[1].weight)

    def _make_leg(self, path: Sequence[int]) -> Leg:
        directions = tuple(self._outer.directions[edge] for edge in path)
        return Leg(directions, math.fsum(self._weights[0][edge] for edge in path))

    def _is_simple(self, source: int, directions: Iterable[int]) -> bool:
        seen = {source}
        for direction in directions:
            head = self._network.heads[direction]
            if head in seen:
                return False
            seen.add(head)
        return True


class WaysAround:
    """The cheapest ways that stay away from our node, by the fees of the start: each looked up once for a world."""

    def __init__(self, network: Network) -> None:
        self._outer = OuterGraph(network)
        self._weights = [weigh_direction(network.policies[direction]) for direction in self._outer.directions]
        self.find = cache(self._find)

    def _find(self, source: int, target: int) -> list[int] | None:
        """Its directions; None: no way."""
        if source == target:
            return []
        path = self._outer.find_paths(source, [target], weights=self._weights)[0]
        return [self._outer.directions[edge] for edge in path] or None


def weigh_direction(policy: PeerPolicy | None, amount_msat: int = TYPICAL_AMOUNT_MSAT) -> float:
    """What a sender who knows nothing of this direction counts for it, in msat."""
    if policy is None:
        return math.inf
    fee_msat = price_forward(policy, None, amount_msat=amount_msat)
    return fee_msat + weigh_delay(policy, amount_msat) + weigh_doubt(PRIOR, amount_msat)
