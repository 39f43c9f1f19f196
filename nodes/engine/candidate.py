"""Nodes to open a channel to: by how much nearer to everybody we would be, and on how many more paths.

Both gains are exact: the difference between two drawings, with the channel and without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import igraph
import numpy as np
from msgspec import Struct

from nodes.engine.topology import (
    CLOSENESS_DECIMALS,
    UNREACHABLE,
    Hops,
    Topology,
    count_pairs,
    find_closeness,
    measure_hops,
)


class Candidate(Struct, frozen=True, kw_only=True):
    """A node that is no peer of ours. Gains are differences of our own `NetworkPosition.closeness` and `.betweenness`;
    `gain_betweenness` is null where it was not worked out.
    """

    pubkey: str
    alias: str | None
    channel_count: int
    capacity_sat: int
    betweenness_rank: int
    node_count: int
    gain_closeness: float
    gain_betweenness: float | None
    market_fee_rate_ppm: int | None
    median_channel_sat: int | None


class OwnPlace(Struct, frozen=True):
    """The drawing with our node and all its channels in it: `drawn`. `is_new`: some of them the graph did not know."""

    drawn: Topology
    place: int
    is_new: bool


def place_ourselves(public: Topology, pubkey: str, *, peers: Iterable[str]) -> OwnPlace:
    """Peers that the graph does not know are left out: nobody is reached through them."""
    place_of = {key: place for place, key in enumerate(public.pubkeys)}
    own = place_of.get(pubkey, len(public.pubkeys))
    pubkeys = public.pubkeys if pubkey in place_of else [*public.pubkeys, pubkey]
    joined = {(min(own, place_of[peer]), max(own, place_of[peer])) for peer in peers if peer in place_of}
    more = joined.difference(public.pairs)
    return OwnPlace(Topology(pubkeys, [*public.pairs, *sorted(more)]), own, bool(more))


def rank_by_closeness(own: OwnPlace, shortlist: Hops, *, places: Iterable[int]) -> Iterator[tuple[int, float]]:
    """(place, gain in closeness) of each of these nodes, the best first. `shortlist`: a row of hops for each of them.

    With a channel to v we are no further from u than one hop more than v is, and no path of v's to u that leads through
    us is shorter than our own: so the least of both is our distance then, whatever the graph does not know of us.
    """
    hops = measure_hops(own.drawn.draw(), own.place)
    present = find_closeness(hops)
    neighbours = {other for pair in own.drawn.pairs if own.place in pair for other in pair}
    gains = [
        (place, round(find_closeness(_step_nearer(hops, row)) - present, CLOSENESS_DECIMALS))
        for place, row in zip(places, shortlist, strict=True)
        if place not in neighbours | {own.place}
    ]
    yield from sorted(gains, key=lambda gain: (-gain[1], gain[0]))


def _step_nearer(hops: Hops, theirs: Hops) -> Hops:
    """`theirs` lacks us where the graph does."""
    through = np.where(theirs == UNREACHABLE, UNREACHABLE, theirs.astype(np.uint32) + 1).astype(np.uint32)
    known = len(theirs)
    return np.concatenate([np.minimum(hops[:known], through), hops[known:]]).astype(np.uint16)


def measure_own_betweenness(own: OwnPlace, other: int | None = None) -> float:
    """The share of the pairs of other nodes whose shortest paths pass through us, with a channel to `other`. Exact, and
    as much work as the betweenness of all nodes: seconds for mainnet.
    """
    graph: igraph.Graph = own.drawn.draw()
    if other is not None:
        graph.add_edges([(own.place, other)])
    [passed] = graph.betweenness(vertices=[own.place], directed=False)
    return float(passed) / count_pairs(graph.vcount())
