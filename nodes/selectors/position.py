"""Nodes of the public graph, each with its place. They lie in the public schema: these leave the tenant."""

import msgspec

from mcp_saas.kit.ttl_cache import TtlCache
from nodes.engine.feature import name_features
from nodes.engine.position import NetworkPosition, PublicNode
from nodes.graph.models import GraphLoad, GraphNode, GraphUpload
from tenants.context import leave_tenant

_load_ids: TtlCache[str, int] = TtlCache(max_entries=1)
_bits = msgspec.msgpack.Decoder(list[int])


def newest_load() -> GraphLoad | None:
    with leave_tenant():
        return GraphLoad.objects.order_by("-loaded_at").first()


def newest_upload() -> GraphUpload | None:
    """Without its content."""
    with leave_tenant():
        return GraphUpload.objects.defer("content").order_by("-id").first()


def newest_load_id() -> int:
    """0 before the first. Known to this process at once when it loads a graph, to others within 5 s."""
    return _load_ids.find_or_load("newest", _read_load_id) or 0


def forget_load() -> None:
    """After a load."""
    _load_ids.forget("newest")


def _read_load_id() -> int:
    load = newest_load()
    return load.id if load else 0


def find_public_nodes(pubkeys: list[str], load: GraphLoad | None) -> dict[str, PublicNode]:
    """Those of these nodes that the graph knows with a usable channel, by pubkey."""
    if load is None:
        return {}
    keys = [bytes.fromhex(pubkey) for pubkey in pubkeys]
    with leave_tenant():
        rows = list(GraphNode.objects.filter(pubkey__in=keys).defer("market"))
        return {bytes(row.pubkey).hex(): _describe(row, load) for row in rows}


def _describe(row: GraphNode, load: GraphLoad) -> PublicNode:
    return PublicNode(
        pubkey=bytes(row.pubkey).hex(),
        alias=row.alias or None,
        color=row.color or None,
        features=name_features(_bits.decode(row.features)),
        announced_at=row.announced_at,
        channel_count=row.channel_count,
        capacity_sat=row.capacity_sat,
        median_channel_sat=row.median_channel_sat,
        market_fee_rate_ppm=row.market_fee_rate_ppm,
        position=NetworkPosition(
            betweenness=row.betweenness,
            betweenness_rank=row.betweenness_rank,
            closeness=row.closeness,
            closeness_rank=row.closeness_rank,
            capacity_rank=row.capacity_rank,
            channels_rank=row.channels_rank,
            node_count=load.node_count,
            graph_loaded_at=load.loaded_at,
        ),
    )
