"""Where a node stands: exact betweenness, ranks with ties, and the price others ask towards it."""

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from nodes.engine.median import weigh_median
from nodes.sources.describegraph.graph import Graph, GraphChannel, GraphPolicy
from nodes.sources.describegraph.positions import rank_network, sample_markets


def make_pubkey(index: int) -> str:
    return f"02{index:064x}"


def make_policy(fee_rate_ppm: int = 100, *, disabled: bool = False) -> GraphPolicy:
    return GraphPolicy(time_lock_delta=80, base_fee_msat=0, fee_rate_ppm=fee_rate_ppm, disabled=disabled)


def make_channel(
    node1: int,
    node2: int,
    *,
    capacity_sat: int = 1_000_000,
    policy1: GraphPolicy | None = None,
    policy2: GraphPolicy | None = None,
) -> GraphChannel:
    return GraphChannel(
        channel_id=node1 * 1000 + node2,
        node1=make_pubkey(node1),
        node2=make_pubkey(node2),
        capacity_sat=capacity_sat,
        policy1=policy1,
        policy2=policy2,
    )


def make_graph(pairs: list[tuple[int, int]]) -> Graph:
    return Graph(nodes=[], channels=[make_channel(*pair, policy1=make_policy()) for pair in pairs])


def count_paths(neighbours: dict[int, set[int]], start: int) -> tuple[dict[int, int], dict[int, int]]:
    """(distance, number of shortest paths) from `start`, by breadth-first search."""
    distance, paths, frontier = {start: 0}, {start: 1}, [start]
    while frontier:
        reached: dict[int, int] = {}
        for node in frontier:
            for neighbour in neighbours[node] - distance.keys():
                reached[neighbour] = reached.get(neighbour, 0) + paths[node]
        distance |= dict.fromkeys(reached, distance[frontier[0]] + 1)
        paths |= reached
        frontier = list(reached)
    return distance, paths


def measure_by_definition(pairs: list[tuple[int, int]], count: int) -> list[float]:
    neighbours: dict[int, set[int]] = {node: set() for node in range(count)}
    for first, second in pairs:
        neighbours[first].add(second)
        neighbours[second].add(first)
    tables = [count_paths(neighbours, node) for node in range(count)]

    def share_through(middle: int, start: int, end: int) -> float:
        (from_start, start_paths), (from_middle, middle_paths) = tables[start], tables[middle]
        if end not in from_start or middle not in from_start or end not in from_middle:
            return 0.0
        if from_start[middle] + from_middle[end] != from_start[end]:
            return 0.0
        return start_paths[middle] * middle_paths[end] / start_paths[end]

    others = [[node for node in range(count) if node != middle] for middle in range(count)]
    return [
        sum(share_through(middle, start, end) for start, end in itertools.combinations(others[middle], 2))
        for middle in range(count)
    ]


@given(st.sets(st.sampled_from(list(itertools.combinations(range(12), 2))), min_size=3, max_size=24))
def test_betweenness_is_exact(pairs: set[tuple[int, int]]) -> None:
    positions = rank_network(make_graph(sorted(pairs)))

    pair_count = (len(positions) - 1) * (len(positions) - 2) / 2
    expected = measure_by_definition(sorted(pairs), 12)
    assert positions.keys() == {make_pubkey(node) for pair in pairs for node in pair}
    for node in {node for pair in pairs for node in pair}:
        betweenness = positions[make_pubkey(node)].betweenness
        assert math.isclose(betweenness, expected[node] / pair_count, abs_tol=1e-6)


def test_equal_nodes_share_the_best_rank_of_their_group() -> None:
    """A star of two hubs: the hubs are equal, so are the leaves, and the next rank counts those before."""
    positions = rank_network(make_graph([(0, 1), (0, 2), (0, 3), (1, 4), (1, 5)]))

    ranks = [positions[make_pubkey(node)].betweenness_rank for node in range(6)]
    assert ranks == [1, 1, 3, 3, 3, 3]
    assert {position.node_count for position in positions.values()} == {6}
    assert positions[make_pubkey(2)].betweenness == 0


def test_parallel_channels_are_one_way_but_count_as_capacity() -> None:
    single = rank_network(make_graph([(0, 1), (1, 2)]))
    double = rank_network(make_graph([(0, 1), (0, 1), (1, 2)]))

    middle = make_pubkey(1)
    assert double[middle].betweenness == single[middle].betweenness == 1.0
    assert (single[middle].channel_count, single[middle].capacity_sat) == (2, 2_000_000)
    assert (double[middle].channel_count, double[middle].capacity_sat) == (3, 3_000_000)


def test_a_node_without_a_usable_channel_has_no_position() -> None:
    channels = [
        make_channel(0, 1, policy2=make_policy()),
        make_channel(1, 2, policy1=make_policy(disabled=True)),
        make_channel(1, 3),
    ]

    positions = rank_network(Graph(nodes=[], channels=channels))

    assert positions.keys() == {make_pubkey(0), make_pubkey(1)}
    assert {position.channel_count for position in positions.values()} == {1}


def test_the_market_is_what_others_ask_towards_the_node_weighed_by_capacity() -> None:
    towards_1 = [
        make_channel(0, 1, capacity_sat=100, policy1=make_policy(10), policy2=make_policy(9_000)),
        make_channel(1, 2, capacity_sat=200, policy2=make_policy(20)),
        make_channel(1, 3, capacity_sat=400, policy2=make_policy(5), policy1=make_policy(700)),
        make_channel(1, 4, capacity_sat=9_000, policy2=make_policy(1, disabled=True), policy1=make_policy(2)),
    ]

    positions = rank_network(Graph(nodes=[], channels=towards_1))

    assert positions[make_pubkey(1)].market_fee_rate_ppm == 5
    assert positions[make_pubkey(0)].market_fee_rate_ppm == 9_000
    assert positions[make_pubkey(2)].market_fee_rate_ppm is None


def test_the_weighted_median_is_the_first_beyond_half() -> None:
    assert weigh_median([(30, 1), (10, 1), (20, 1)]) == 20
    assert weigh_median([(10, 2), (20, 2)]) == 20
    assert weigh_median([(10, 3), (20, 2)]) == 10
    assert weigh_median([]) is None
    assert weigh_median([(10, 0)]) is None


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 20)), min_size=1, max_size=30))
def test_the_weighted_median_is_the_upper_median_of_every_value_written_weight_times(
    rows: list[tuple[int, int]],
) -> None:
    written_out = sorted(value for value, weight in rows for _ in range(weight))

    assert weigh_median(rows) == written_out[len(written_out) // 2]


def test_a_market_is_what_each_usable_direction_charges_and_where_it_comes_from() -> None:
    channels = [
        make_channel(1, 2, capacity_sat=700, policy1=make_policy(50), policy2=make_policy(9, disabled=True)),
        make_channel(3, 2, capacity_sat=40, policy1=make_policy(60)),
        make_channel(1, 3, capacity_sat=5, policy1=make_policy(1, disabled=True)),
    ]

    markets = sample_markets(Graph(nodes=[], channels=channels))

    assert set(markets) == {make_pubkey(2)}
    sampled = [(one.fee_rate_ppm, one.capacity_sat, one.from_capacity_sat) for one in markets[make_pubkey(2)]]
    assert sampled == [(50, 700, 700), (60, 40, 40)]
    assert all(make_pubkey(3).startswith(one.from_pubkey) for one in markets[make_pubkey(2)][1:])
