"""Writes a graph as `lncli describegraph` prints it, so that a simulated network is read like a real one."""

from pathlib import Path

import msgspec

from nodes.engine.report import PeerPolicy
from nodes.sources.describegraph.graph import Graph, GraphChannel, GraphPolicy


def write_graph(graph: Graph, path: Path) -> None:
    """Plain JSON, 64-bit numbers as strings. The file appears whole or not at all."""
    document = {
        "nodes": [
            {
                "last_update": node.last_update,
                "pub_key": node.pubkey,
                "alias": node.alias,
                "addresses": [],
                "color": node.color,
                "features": {str(bit): {"is_required": bit % 2 == 0} for bit in node.features},
            }
            for node in graph.nodes
        ],
        "edges": [_channel_json(channel) for channel in graph.channels],
    }
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.write_bytes(msgspec.json.encode(document))
    unfinished.replace(path)


def _channel_json(channel: GraphChannel) -> dict[str, object]:
    policies = [policy for policy in (channel.policy1, channel.policy2) if policy is not None]
    return {
        "channel_id": str(channel.channel_id),
        "chan_point": channel.chan_point,
        "last_update": max((policy.last_update for policy in policies), default=0),
        "node1_pub": channel.node1,
        "node2_pub": channel.node2,
        "capacity": str(channel.capacity_sat),
        "node1_policy": describe_policy(channel.policy1),
        "node2_policy": describe_policy(channel.policy2),
    }


def describe_policy(policy: GraphPolicy | PeerPolicy | None) -> dict[str, object] | None:
    """As LND writes it, in a graph as in the answer on a channel."""
    if policy is None:
        return None
    return {
        "time_lock_delta": policy.time_lock_delta,
        "min_htlc": str(policy.min_htlc_msat),
        "fee_base_msat": str(policy.base_fee_msat),
        "fee_rate_milli_msat": str(policy.fee_rate_ppm),
        "disabled": policy.disabled,
        "max_htlc_msat": str(policy.max_htlc_msat),
        "last_update": policy.last_update or 0,
        "custom_records": {},
        "inbound_fee_base_msat": policy.inbound_base_fee_msat,
        "inbound_fee_rate_milli_msat": policy.inbound_fee_rate_ppm,
    }
