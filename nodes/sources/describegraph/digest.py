"""What a graph file says of every node, worked out once: all that is kept of it, without a database."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median_low

import msgspec
import numpy as np
from msgspec import Struct

from mcp_saas.kit.alias import tame_alias
from nodes.engine.topology import Topology, measure_closeness, pack_hops, rank_descending
from nodes.sources.describegraph.graph import Graph, GraphNode
from nodes.sources.describegraph.positions import draw_topology, rank_network, sample_markets
from nodes.sources.describegraph.reader import read_graph

SHORTLIST = 1_000  # nodes that may be proposed: those that most of the shortest paths of others pass
_COLOR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
_NOBODY = GraphNode(pubkey="02" + 64 * "0")


class GraphRow(Struct, frozen=True, kw_only=True, gc=False):
    """Of one node, by the names of the columns that keep it."""

    pubkey: bytes
    alias: str
    color: str
    features: bytes  # MessagePack: the bits
    announced_at: dt.datetime | None
    channel_count: int
    capacity_sat: int
    median_channel_sat: int
    betweenness: float
    betweenness_rank: int
    closeness: float
    closeness_rank: int
    capacity_rank: int
    channels_rank: int
    market_fee_rate_ppm: int | None
    market: bytes  # MessagePack: `MarketSample` of each channel that leads here


class PackedTopology(Struct, frozen=True, kw_only=True):
    """As `GraphTopology` keeps it."""

    pubkeys: bytes
    pairs: bytes
    shortlist: bytes
    hops: bytes


class DigestHead(Struct, frozen=True, kw_only=True):
    """All but the rows. `channel_count`: of all in the file, usable or not; `node_count`: of the rows."""

    channel_count: int
    node_count: int
    topology: PackedTopology


def digest_graph(path: Path) -> tuple[DigestHead, list[GraphRow]]:
    """Raises GraphFileError for a file that is not a graph."""
    graph = read_graph(path)
    topology = draw_topology(graph)
    rows = list(_describe_nodes(graph, topology))
    channel_count = len(graph.channels)
    del graph  # the hops need the room
    packed = _pack_topology(topology, rows)
    return DigestHead(channel_count=channel_count, node_count=len(rows), topology=packed), rows


def _describe_nodes(graph: Graph, topology: Topology) -> Iterator[GraphRow]:
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
        yield GraphRow(
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


def _pack_topology(topology: Topology, rows: list[GraphRow]) -> PackedTopology:
    ranked = sorted(range(len(rows)), key=lambda place: rows[place].betweenness_rank)
    shortlist = ranked[:SHORTLIST]
    return PackedTopology(
        pubkeys=topology.pack_pubkeys(),
        pairs=topology.pack(),
        shortlist=np.array(shortlist, dtype="<u4").tobytes(),
        hops=pack_hops(topology.draw(), shortlist),
    )
