"""What LND knows of the public network, in the words all drivers share."""

from nodes.sources.driver.driver import GraphEdge, GraphNode
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.field import Fields, read_int32, read_text, read_uint64
from nodes.sources.driver.policy import MAX_U32
from nodes.sources.driver.text import clean_text
from nodes.sources.lnd.edge import index_policies, map_policy


def map_graph_node(answer: Fields) -> GraphNode:
    node = answer.get("node")
    if not isinstance(node, dict):
        raise NodeError("the node's answer is not as its API says: `node` is not an object", fault=Fault.GARBLED)
    return {
        "alias": clean_text(read_text(node, "alias")),
        "channel_count": read_int32(answer, "num_channels"),
        "capacity_sat": read_uint64(answer, "total_capacity"),
        "last_update": read_int32(node, "last_update") or None,
    }


def map_graph_edge(edge: Fields) -> GraphEdge:
    return {
        "capacity_sat": read_uint64(edge, "capacity"),
        "policies": {pubkey: map_policy(side, max_rate_ppm=MAX_U32) for pubkey, side in index_policies(edge).items()},
    }
