"""What a channel would bring: the difference between the drawing with it and the drawing without it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.engine.candidate import measure_own_betweenness, place_ourselves, rank_by_closeness
from nodes.engine.topology import Topology, measure_betweenness, measure_closeness, pack_hops, unpack_hops
from tests.unit.nodes.test_topology import make_topology

STRANGER = "03" + 64 * "f"
public = st.integers(3, 9).flatmap(
    lambda count: st.builds(
        make_topology, st.just(count), st.sets(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)))
    )
)


def list_gains(topology: Topology, pubkey: str, peers: list[str]) -> dict[int, float]:
    places = range(len(topology.pubkeys))
    hops = unpack_hops(pack_hops(topology.draw(), places), node_count=len(topology.pubkeys))
    return dict(rank_by_closeness(place_ourselves(topology, pubkey, peers=peers), hops, places=places))


@given(public, st.booleans(), st.sets(st.integers(0, 8), max_size=3))
def test_gains_are_those_of_drawing_the_network_again(topology: Topology, is_known: bool, joined: set[int]) -> None:
    pubkey = topology.pubkeys[0] if is_known else STRANGER
    peers = [topology.pubkeys[place] for place in joined if 0 < place < len(topology.pubkeys)]
    own = place_ourselves(topology, pubkey, peers=peers)
    before = own.drawn.draw()

    gains = list_gains(topology, pubkey, peers)

    neighbours = set(before.neighbors(own.place)) | {own.place}
    assert set(gains) == set(range(len(topology.pubkeys))) - neighbours
    for place, gain in gains.items():
        after = own.drawn.draw()
        after.add_edges([(own.place, place)])
        expected = measure_closeness(after)[own.place] - measure_closeness(before)[own.place]
        assert gain == pytest.approx(expected, abs=1e-8)


def test_the_best_comes_first_and_a_peer_never() -> None:
    line = make_topology(6, {(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)})

    gains = list_gains(line, STRANGER, [line.pubkeys[0]])

    assert next(iter(gains)) == 3
    assert 0 not in gains
    assert list(gains.values()) == sorted(gains.values(), reverse=True)


def test_who_joins_two_ends_of_a_line_stands_between_the_pairs_that_it_makes_nearer() -> None:
    line = make_topology(5, {(0, 1), (1, 2), (2, 3), (3, 4)})
    own = place_ourselves(line, STRANGER, peers=[line.pubkeys[0]])
    closed = own.drawn.draw()
    closed.add_edges([(own.place, 4)])

    assert own.is_new
    assert measure_own_betweenness(own) == 0
    assert measure_own_betweenness(own, 4) == pytest.approx(measure_betweenness(closed)[own.place] / 10)


def test_channels_the_graph_knows_already_are_not_drawn_twice() -> None:
    line = make_topology(3, {(0, 1), (1, 2)})

    own = place_ourselves(line, line.pubkeys[0], peers=[line.pubkeys[1], STRANGER])

    assert (own.drawn, own.is_new) == (line, False)
