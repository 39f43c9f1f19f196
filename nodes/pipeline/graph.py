"""Loads a public graph: where every node stands, computed once for all tenants."""

import datetime as dt
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median_low

import msgspec
import numpy as np
from django.db import transaction

from mcp_saas.kit.alias import tame_alias
from nodes.engine.topology import Topology, measure_closeness, pack_hops, rank_descending
from nodes.graph.models import GraphLoad, GraphNode, GraphTopology
from nodes.selectors.position import forget_load
from nodes.sources.describegraph.graph import Graph
from nodes.sources.describegraph.graph import GraphNode as NamedNode
from nodes.sources.describegraph.positions import draw_topology, rank_network, sample_markets
from nodes.sources.describegraph.reader import GraphFileError, read_graph
from tenants.context import leave_tenant

BATCH = 250  # rows of one statement: the largest nodes have a market of 100 KB
SHORTLIST = 1_000  # nodes that may be proposed: those that most of the shortest paths of others pass
_COLOR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
_NOBODY = NamedNode(pubkey="02" + 64 * "0")


def load_graph(path: Path, *, source: str = "file", force: bool = False) -> GraphLoad:
    """Reads an `lncli describegraph` file and replaces the network positions. The file loaded last is not loaded again.

    Raises GraphFileError for a file that is not one, or, unless `force` is said, for one with less than half the
    channels of the graph in force; the positions stay as they were then.
    """
    with leave_tenant():
        sha256 = _digest_file(path)
        newest = GraphLoad.objects.order_by("-loaded_at").first()
        if newest and newest.sha256 == sha256:
            return newest
        graph = read_graph(path)
        if newest and not force:
            _refuse_half(len(graph.channels), newest)
        topology = draw_topology(graph)
        rows = list(_describe_nodes(graph, topology))
        load = GraphLoad(sha256=sha256, node_count=len(rows), channel_count=len(graph.channels), source=source)
        del graph
        return _replace_graph(load, rows, topology=_describe_topology(topology, rows))


def _refuse_half(channel_count: int, newest: GraphLoad) -> None:
    if 2 * channel_count < newest.channel_count:
        raise GraphFileError(
            f"It has {channel_count} channels, and the graph in force {newest.channel_count}: is the node synced to "
            "the graph (lncli getinfo)? If it is meant: manage.py load_graph --force FILE"
        )


def _describe_nodes(graph: Graph, topology: Topology) -> Iterator[GraphNode]:
    positions, markets = rank_network(graph, topology), sample_markets(graph)
    closeness = measure_closeness(topology.draw())
    named = {node.pubkey: node for node in graph.nodes}
    sizes = _list_sizes(graph)
    ranks = zip(
        rank_descending(closeness),
        rank_descending([positions[pubkey].capacity_sat for pubkey in topology.pubkeys]),
        rank_descending([positions[pubkey].channel_count for pubkey in topology.pubkeys]),
        strict=True,
    )
    for pubkey, value, ranked in zip(topology.pubkeys, closeness, ranks, strict=True):
        position, node = positions[pubkey], named.get(pubkey, _NOBODY)
        yield GraphNode(
            pubkey=bytes.fromhex(pubkey),
            alias=tame_alias(node.alias),
            color=node.color if _COLOR.fullmatch(node.color) else "",
            features=msgspec.msgpack.encode(node.features),
            announced_at=_read_instant(node.last_update),
            channel_count=position.channel_count,
            capacity_sat=position.capacity_sat,
            median_channel_sat=median_low(sizes[pubkey]),
            betweenness=position.betweenness,
            betweenness_rank=position.betweenness_rank,
            closeness=value,
            closeness_rank=ranked[0],
            capacity_rank=ranked[1],
            channels_rank=ranked[2],
            market_fee_rate_ppm=position.market_fee_rate_ppm,
            market=msgspec.msgpack.encode(markets[pubkey]) if pubkey in markets else b"",
        )


def _list_sizes(graph: Graph) -> dict[str, list[int]]:
    """Capacities of the usable channels of each node, in sat."""
    sizes: dict[str, list[int]] = defaultdict(list)
    for channel in graph.channels:
        if channel.is_usable:
            sizes[channel.node1].append(channel.capacity_sat)
            sizes[channel.node2].append(channel.capacity_sat)
    return sizes


def _read_instant(seconds: int) -> dt.datetime | None:
    """None: not known, or no moment a node can have announced."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC) if 0 < seconds < 2**32 else None


def _describe_topology(topology: Topology, rows: list[GraphNode]) -> GraphTopology:
    ranked = sorted(range(len(rows)), key=lambda place: rows[place].betweenness_rank)
    shortlist = ranked[:SHORTLIST]
    return GraphTopology(
        pubkeys=topology.pack_pubkeys(),
        pairs=topology.pack(),
        shortlist=np.array(shortlist, dtype="<u4").tobytes(),
        hops=pack_hops(topology.draw(), shortlist),
    )


def _replace_graph(load: GraphLoad, rows: list[GraphNode], *, topology: GraphTopology) -> GraphLoad:
    with transaction.atomic():
        GraphNode.objects.all().delete()
        GraphNode.objects.bulk_create(rows, batch_size=BATCH)
        load.save()
        topology.load = load
        GraphTopology.objects.all().delete()
        topology.save(force_insert=True)
    forget_load()
    return load


def _digest_file(path: Path) -> str:
    """Of the file as it lies there; a missing file is told by the reader."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
