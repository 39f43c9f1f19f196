"""The world as one of its nodes sees it."""

from collections.abc import Callable
from dataclasses import dataclass

from nodes.engine.report import PeerPolicy
from nodes.simulator.gossip import Gossip, listen
from nodes.simulator.simulation import Simulation
from nodes.simulator.traffic import NS_PER_S
from nodes.simulator.world import Channel, FleetNode, ForwardRecord, Side


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

    def announce(self, side: Side, policy: PeerPolicy) -> None:
        """Our side of a channel has a new policy; the others hear of it as fast as they listen."""
        known = side.gossip or Gossip(heard=side.policy, as_of_ns=self.now_ns)
        known = listen(known, side.policy, now_ns=self.now_ns)
        side.policy = policy
        side.gossip = listen(known, policy, now_ns=self.now_ns)

    def see_policy(self, side: Side) -> PeerPolicy | None:
        """Our own as it is, another node's as it was last heard."""
        if side.pubkey == self.pubkey or side.gossip is None:
            return side.policy
        side.gossip = listen(side.gossip, side.policy, now_ns=self.now_ns)
        return side.gossip.heard

    def find_alias(self, pubkey: str) -> str:
        """As LND: where the graph does not know the node, its complaint stands in the alias's place."""
        known = self.simulation.known_nodes.get(pubkey)
        return known.alias if known else "unable to lookup peer alias: unable to find node"
