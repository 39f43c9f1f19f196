"""The public graph. It lies in the public schema: these leave the tenant for a moment."""

from collections.abc import Iterable

import msgspec
from django.db.models import QuerySet

from nodes.engine.market import MarketSample
from nodes.engine.types import PeerPosition
from nodes.graph.models import GraphLoad, GraphNode
from tenants.context import leave_tenant

_decoder = msgspec.msgpack.Decoder(list[MarketSample])


def find_positions(pubkeys: Iterable[str]) -> dict[str, PeerPosition]:
    """Where these nodes stand in the network; a node the graph does not know is left out."""
    with leave_tenant():
        load = GraphLoad.objects.order_by("-loaded_at").first()
        if load is None:
            return {}
        rows = list(_select(pubkeys).defer("market"))
    return {bytes(row.pubkey).hex(): _describe(row, node_count=load.node_count) for row in rows}


def find_markets(pubkeys: Iterable[str]) -> dict[str, list[MarketSample]]:
    """What leads towards these nodes, our own channels too; a node that nothing leads to is left out."""
    with leave_tenant():
        rows = list(_select(pubkeys).exclude(market=b"").values_list("pubkey", "market"))
    return {bytes(pubkey).hex(): _decoder.decode(market) for pubkey, market in rows}


def _select(pubkeys: Iterable[str]) -> QuerySet[GraphNode]:
    return GraphNode.objects.filter(pubkey__in=[bytes.fromhex(pubkey) for pubkey in set(pubkeys)])


def _describe(row: GraphNode, *, node_count: int) -> PeerPosition:
    return PeerPosition(
        channel_count=row.channel_count,
        capacity_sat=row.capacity_sat,
        betweenness=row.betweenness,
        betweenness_rank=row.betweenness_rank,
        node_count=node_count,
        market_fee_rate_ppm=row.market_fee_rate_ppm,
    )
