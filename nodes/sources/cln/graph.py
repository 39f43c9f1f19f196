"""What Core Lightning knows of the public network, in the words all drivers share."""

from nodes.sources.cln.policy import map_policies
from nodes.sources.driver.driver import GraphEdge, GraphNode
from nodes.sources.driver.field import Fields, read_integer, read_text
from nodes.sources.driver.policy import MAX_U32, exceeds_contract
from nodes.sources.driver.text import clean_text

DISABLED_FLAG = 2  # BOLT 7: the second bit of channel_flags


def map_graph_node(node: Fields, directions: list[Fields]) -> GraphNode:
    """`directions`: the channels leaving it. A node that never announced itself has no alias."""
    announced = "last_timestamp" in node
    capacities_msat = {read_text(row, "short_channel_id"): read_integer(row, "amount_msat") for row in directions}
    return {
        "alias": clean_text(read_text(node, "alias")) if announced else "",
        "channel_count": len(capacities_msat),
        "capacity_sat": sum(capacities_msat.values()) // 1000,
        "last_update": read_integer(node, "last_timestamp") if announced else None,
    }


def map_graph_edge(directions: list[Fields]) -> GraphEdge | None:
    """None: the graph knows neither direction."""
    if not directions:
        return None
    policies: dict[str, dict[str, object] | None] = {}
    for row in directions:
        policies.setdefault(read_text(row, "destination"), None)
        policies[read_text(row, "source")] = map_direction(row)
    return {"capacity_sat": read_integer(directions[0], "amount_msat") // 1000, "policies": policies}


def map_own_edge(channel: Fields, own_pubkey: str) -> GraphEdge:
    """From listpeerchannels."""
    policies = map_policies(channel)
    return {
        "capacity_sat": read_integer(channel, "total_msat") // 1000,
        "policies": {own_pubkey: policies["own_policy"], read_text(channel, "peer_id"): policies["peer_policy"]},
    }


def map_direction(row: Fields) -> dict[str, object] | None:
    """None for values outside the contract. A direction without a largest payment carries what the channel holds."""
    largest = "htlc_maximum_msat" if "htlc_maximum_msat" in row else "amount_msat"
    terms = {
        "base_fee_msat": read_integer(row, "base_fee_millisatoshi"),
        "fee_rate_ppm": read_integer(row, "fee_per_millionth"),
        "inbound_base_fee_msat": 0,
        "inbound_fee_rate_ppm": 0,
        "time_lock_delta": read_integer(row, "delay"),
        "min_htlc_msat": read_integer(row, "htlc_minimum_msat"),
        "max_htlc_msat": read_integer(row, largest),
    }
    if exceeds_contract(terms, MAX_U32):
        return None
    disabled = bool(read_integer(row, "channel_flags") & DISABLED_FLAG)
    return {**terms, "disabled": disabled, "last_update": read_integer(row, "last_update") or None}
