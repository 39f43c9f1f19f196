"""The world as one of its nodes sees it."""

from collections.abc import Callable
from dataclasses import dataclass

from nodes.simulator.simulation import Simulation
from nodes.simulator.traffic import NS_PER_S
from nodes.simulator.world import Channel, FleetNode, ForwardRecord


@dataclass(frozen=True, kw_only=True)
class NodeView:
    """What the answers are made of, at one moment."""

    simulation: Simulation
    pubkey: str
    now_ns: int
    save: Callable[[], None]

    @property
    def now_s(self) -> int:
        return self.now_ns // NS_PER_S

    @property
    def node(self) -> FleetNode:
        return self.simulation.nodes[self.pubkey]

    @property
    def channels(self) -> list[Channel]:
        return self.simulation.channels_of[self.pubkey]

    @property
    def settled(self) -> list[ForwardRecord]:
        """LND's forwarding history: oldest first, nothing that failed."""
        return [record for record in self.node.history if record.status == "settled"]

    def find_alias(self, pubkey: str) -> str:
        """As LND: where the graph does not know the node, its complaint stands in the alias's place."""
        known = self.simulation.known_nodes.get(pubkey)
        return known.alias if known else "unable to lookup peer alias: unable to find node"
