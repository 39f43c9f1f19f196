"""Nodes that a channel could be opened to: the most central of the public graph that are no peers of ours."""

from collections.abc import Collection

from nodes.graph.models import GraphNode
from nodes.selectors.position import newest_load
from recommendations.engine.survey import Candidate
from tenants.context import current_tenant, leave_tenant

LIMIT = 3


def list_strangers(peers: Collection[str]) -> list[Candidate]:
    """By betweenness, the best first: nodes with a price towards them."""
    known = [bytes.fromhex(pubkey) for pubkey in {*peers, current_tenant().pubkey}]
    load = newest_load()
    if load is None:
        return []
    with leave_tenant():
        rows = GraphNode.objects.exclude(pubkey__in=known).filter(market_fee_rate_ppm__isnull=False)
        chosen = list(rows.defer("market", "features").order_by("betweenness_rank", "pubkey")[:LIMIT])
    return [
        Candidate(
            pubkey=bytes(row.pubkey).hex(),
            alias=row.alias or None,
            channel_count=row.channel_count,
            capacity_sat=row.capacity_sat,
            betweenness_rank=row.betweenness_rank,
            node_count=load.node_count,
            market_fee_rate_ppm=row.market_fee_rate_ppm,
            median_channel_sat=row.median_channel_sat or None,
        )
        for row in chosen
    ]
