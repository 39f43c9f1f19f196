"""The public network as a drawing: who is joined to whom, and what follows from that alone.

Undirected and simple: a pair is joined by one line, however many channels it has, and every hop costs the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

import igraph
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

UNREACHABLE = 2**16 - 1  # of hops
PUBKEY_BYTES = 33
# Symmetric nodes get sums that differ in the last bits only; they must share a rank.
TIE_DECIMALS = 6
CLOSENESS_DECIMALS = 9

Hops = NDArray[np.uint16]


class Topology(Struct, frozen=True):
    """`pubkeys` in order; `pairs` of their places, the lower first, in order, each once."""

    pubkeys: list[str]
    pairs: list[tuple[int, int]]

    def draw(self) -> igraph.Graph:
        return igraph.Graph(n=len(self.pubkeys), edges=self.pairs)

    def pack(self) -> bytes:
        """Places and pairs, without the keys."""
        return zlib.compress(np.array(self.pairs, dtype="<u4").tobytes())

    def pack_pubkeys(self) -> bytes:
        return b"".join(map(bytes.fromhex, self.pubkeys))


def unpack_topology(pubkeys: bytes, pairs: bytes) -> Topology:
    """What `pack_pubkeys` and `pack` gave."""
    keys = [pubkeys[at : at + PUBKEY_BYTES].hex() for at in range(0, len(pubkeys), PUBKEY_BYTES)]
    rows = np.frombuffer(zlib.decompress(pairs), dtype="<u4").reshape(-1, 2)
    return Topology(keys, [(first, second) for first, second in rows.tolist()])


def measure_betweenness(graph: igraph.Graph) -> list[float]:
    """Exact (Brandes 2001): by how many pairs of other nodes each is passed, a pair's shortest paths sharing it."""
    return [round(value, TIE_DECIMALS) for value in graph.betweenness(directed=False)]


def count_pairs(node_count: int) -> int:
    """Pairs of other nodes: what a betweenness is a share of."""
    return max(1, (node_count - 1) * (node_count - 2) // 2)


def measure_closeness(graph: igraph.Graph) -> list[float]:
    """Of each node, as `find_closeness` says, in one go."""
    count = graph.vcount()
    sizes = [0] * count
    for component in graph.connected_components():
        for place in component:
            sizes[place] = len(component)
    # igraph: (reached / hops to them), among the reached alone; not a number where nobody is reached
    values = graph.closeness(normalized=True)
    return [
        round(value * (size - 1) / (count - 1), CLOSENESS_DECIMALS) if size > 1 else 0.0
        for value, size in zip(values, sizes, strict=True)
    ]


def find_closeness(hops: Hops) -> float:
    """Of a node whose distances to all nodes these are, itself (0) among them.

    Wasserman and Faust (1994): with n nodes, r of them reached at a sum of d hops, (r / d) * (r / (n - 1)). It is 1 for
    a node joined to all others, and 0 for one joined to none.
    """
    reached = hops[(hops != UNREACHABLE) & (hops != 0)]
    total = int(reached.sum(dtype=np.int64))
    return len(reached) / total * len(reached) / (len(hops) - 1) if total else 0.0


def measure_hops(graph: igraph.Graph, place: int) -> Hops:
    """From this place to every node, by breadth-first search."""
    [row] = graph.distances(source=[place])
    found = np.array(row, dtype=np.float64)
    return np.where(found < UNREACHABLE, found, UNREACHABLE).astype(np.uint16)


def pack_hops(graph: igraph.Graph, places: Iterable[int]) -> bytes:
    """A row for each of these places, one at a time in memory."""
    packer = zlib.compressobj(level=3)
    packed = [packer.compress(measure_hops(graph, place).astype("<u2").tobytes()) for place in places]
    return b"".join(packed) + packer.flush()


def unpack_hops(packed: bytes, *, node_count: int) -> Hops:
    """The rows that `pack_hops` took."""
    return np.frombuffer(zlib.decompress(packed), dtype="<u2").reshape(-1, node_count)


def rank_descending(values: Sequence[float] | Sequence[int]) -> list[int]:
    """Standard competition ranking ("1224"): equal values share the best rank of their group."""
    ranks: dict[float, int] = {}
    for position, value in enumerate(sorted(values, reverse=True), start=1):
        ranks.setdefault(value, position)
    return [ranks[value] for value in values]
