"""Identity keys for the fleet: a node must be able to sign, and nobody has the secret keys of a real graph's nodes."""

from collections.abc import Mapping

from msgspec import structs

from mcp_saas.kit.node_message import derive_pubkey
from nodes.simulator.seed import seed_random
from nodes.sources.describegraph.graph import Graph

REAL_GRAPH_NOTE = (
    "Public keys, channels, capacities, peers and both policies are the graph's. Nobody here has these nodes' secret "
    "keys, so the operator vouches for them where a real node signs the claim of its box."
)


def make_identity_key(pubkey: str, *, seed: int) -> bytes:
    """32 bytes, the same for a seed. A simulated node holds no funds: its key need not be secret."""
    return seed_random(seed, "identity", pubkey).randbytes(32)


def derive_identities(pubkeys: list[str], *, seed: int) -> dict[str, str]:
    """From each graph's node to the public key of the simulated node that stands for it."""
    return {pubkey: derive_pubkey(make_identity_key(pubkey, seed=seed)) for pubkey in pubkeys}


def rename_nodes(graph: Graph, identities: Mapping[str, str]) -> Graph:
    """The same graph with other public keys; the order of a channel's two nodes stays."""
    return Graph(
        nodes=[structs.replace(node, pubkey=identities.get(node.pubkey, node.pubkey)) for node in graph.nodes],
        channels=[
            structs.replace(
                channel,
                node1=identities.get(channel.node1, channel.node1),
                node2=identities.get(channel.node2, channel.node2),
            )
            for channel in graph.channels
        ],
    )
