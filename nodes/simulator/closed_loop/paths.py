"""Shortest paths among the directions of a network that do not touch our node."""

from collections.abc import Sequence
from typing import Literal

import igraph

from nodes.engine.report import PeerPolicy
from nodes.simulator.closed_loop.network import Network

Policies = Sequence[PeerPolicy | None]


class OuterGraph:
    """The usable directions that do not touch our node. `directions[i]` is its i-th edge; weights are in this order."""

    def __init__(self, network: Network) -> None:
        self.directions = [
            direction
            for direction, policy in enumerate(network.policies)
            if policy is not None and not policy.disabled and not network.touches_own(direction >> 1)
        ]
        edges = [(network.tails[direction], network.heads[direction]) for direction in self.directions]
        self._graph = igraph.Graph(n=len(network.pubkeys), edges=edges, directed=True)

    def find_paths(
        self, node: int, others: Sequence[int], *, weights: Sequence[float], mode: Literal["out", "in"] = "out"
    ) -> list[list[int]]:
        """To each of the others ("out"), or from it ("in"), the edges in the order of a payment; empty: no way."""
        reachable = set(self._graph.subcomponent(node, mode=mode))
        targets = [other for other in others if other in reachable]
        paths = self._graph.get_shortest_paths(node, to=targets, weights=weights, mode=mode, output="epath")
        found = {
            target: list(path) if mode == "out" else list(reversed(path))
            for target, path in zip(targets, paths, strict=True)
        }
        return [found.get(other, []) for other in others]
