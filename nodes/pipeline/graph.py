"""Loads a public graph: where every node stands, computed once for all tenants."""

import hashlib
from pathlib import Path

import msgspec
from django.db import transaction

from nodes.engine.market import MarketSample
from nodes.engine.types import PeerPosition
from nodes.graph.models import GraphLoad, GraphNode
from nodes.sources.describegraph.positions import rank_network, sample_markets
from nodes.sources.describegraph.reader import read_graph
from tenants.context import leave_tenant

BATCH = 2_000


def load_graph(path: Path) -> GraphLoad:
    """Reads an `lncli describegraph` file and replaces the network positions. The file loaded last is not loaded again.

    Raises GraphFileError for a file that is not one; the positions stay as they were then.
    """
    with leave_tenant():
        sha256 = _digest_file(path)
        newest = GraphLoad.objects.order_by("-loaded_at").first()
        if newest and newest.sha256 == sha256:
            return newest
        graph = read_graph(path)
        channel_count = len(graph.channels)
        positions, markets = rank_network(graph), sample_markets(graph)
        return _replace_positions(positions, markets, sha256=sha256, channel_count=channel_count)


def _replace_positions(
    positions: dict[str, PeerPosition], markets: dict[str, list[MarketSample]], *, sha256: str, channel_count: int
) -> GraphLoad:
    rows = (
        GraphNode(
            pubkey=bytes.fromhex(pubkey),
            channel_count=position.channel_count,
            capacity_sat=position.capacity_sat,
            betweenness=position.betweenness,
            betweenness_rank=position.betweenness_rank,
            market_fee_rate_ppm=position.market_fee_rate_ppm,
            market=msgspec.msgpack.encode(markets[pubkey]) if pubkey in markets else b"",
        )
        for pubkey, position in positions.items()
    )
    with transaction.atomic():
        GraphNode.objects.all().delete()
        GraphNode.objects.bulk_create(rows, batch_size=BATCH)
        return GraphLoad.objects.create(sha256=sha256, node_count=len(positions), channel_count=channel_count)


def _digest_file(path: Path) -> str:
    """Of the file as it lies there; a missing file is told by the reader."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
