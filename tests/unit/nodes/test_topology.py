"""What follows from the drawing of the network alone: distances, closeness, ranks with ties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.engine.topology import (
    UNREACHABLE,
    Topology,
    find_closeness,
    measure_closeness,
    pack_hops,
    rank_descending,
    unpack_hops,
    unpack_topology,
)


def make_topology(count: int, pairs: set[tuple[int, int]]) -> Topology:
    simple = sorted({(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]})
    return Topology([f"02{index:064x}" for index in range(count)], simple)


def walk(topology: Topology, start: int) -> dict[int, int]:
    """Hops from one place, by breadth-first search."""
    neighbours: dict[int, set[int]] = {place: set() for place in range(len(topology.pubkeys))}
    for first, second in topology.pairs:
        neighbours[first].add(second)
        neighbours[second].add(first)
    hops, frontier = {start: 0}, [start]
    while frontier:
        place = frontier.pop(0)
        for neighbour in sorted(neighbours[place] - hops.keys()):
            hops[neighbour] = hops[place] + 1
            frontier.append(neighbour)
    return hops


graphs = st.integers(2, 9).flatmap(
    lambda count: st.builds(
        make_topology, st.just(count), st.sets(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)))
    )
)


@given(graphs)
def test_hops_and_closeness_are_those_of_their_definition(topology: Topology) -> None:
    count = len(topology.pubkeys)
    graph = topology.draw()
    rows = unpack_hops(pack_hops(graph, range(count)), node_count=count)
    for place, closeness in enumerate(measure_closeness(topology.draw())):
        hops = walk(topology, place)
        total, reached = sum(hops.values()), len(hops) - 1
        assert rows[place].tolist() == [hops.get(other, UNREACHABLE) for other in range(count)]
        expected = reached / total * reached / (count - 1) if total else 0.0
        assert closeness == pytest.approx(expected, abs=1e-9)
        assert find_closeness(rows[place]) == pytest.approx(expected, abs=1e-12)


@given(graphs)
def test_what_is_packed_is_unpacked(topology: Topology) -> None:
    assert unpack_topology(topology.pack_pubkeys(), topology.pack()) == topology


def test_equal_values_share_the_best_rank_of_their_group() -> None:
    assert rank_descending([3, 7, 7, 1, 7, 0]) == [4, 1, 1, 5, 1, 6]
