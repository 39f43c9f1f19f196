"""The public graph. It lies in the public schema: these leave the tenant for a moment."""

from collections.abc import Iterable

from nodes.engine.types import PeerPosition
from nodes.graph.models import GraphLoad, GraphNode
from tenants.context import leave_tenant


def find_positions(pubkeys: Iterable[str]) -> dict[str, PeerPosition]:
    """Where these nodes stand in the network; a node the graph does not know is left out."""
    with leave_tenant():
        load = GraphLoad.objects.order_by("-loaded_at").first()
        if load is None:
            return {}
        rows = list(GraphNode.objects.filter(pubkey__in=[bytes.fromhex(pubkey) for pubkey in set(pubkeys)]))
    return {bytes(row.pubkey).hex(): _describe(row, node_count=load.node_count) for row in rows}


def _describe(row: GraphNode, *, node_count: int) -> PeerPosition:
    return PeerPosition(
        channel_count=row.channel_count,
        capacity_sat=row.capacity_sat,
        betweenness=row.betweenness,
        betweenness_rank=row.betweenness_rank,
        node_count=node_count,
        market_fee_rate_ppm=row.market_fee_rate_ppm,
    )
