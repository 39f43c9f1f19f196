"""Which nodes become the fleet, and what a world made of them holds."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from mcp_saas.kit.node_message import derive_pubkey
from nodes.simulator.network import build_world
from nodes.simulator.selection import MAX_CHANNELS, MIN_CHANNELS, SelectionError, select_fleet
from nodes.simulator.small_network import generate_network
from nodes.simulator.world import World, check_conservation
from nodes.sources.describegraph.graph import Graph, GraphChannel

NOW_S = 1_760_000_000


def make_world(graph: Graph, fleet_count: int, *, seed: int = 7) -> World:
    return build_world(graph, fleet_count, origin="test", now_s=NOW_S, seed=seed)


@pytest.fixture(scope="module")
def graph() -> Graph:
    return generate_network(seed=7, now_s=NOW_S)


@pytest.fixture(scope="module")
def world(graph: Graph) -> World:
    return make_world(graph, 12)


def channels_of(graph: Graph, pubkey: str) -> dict[int, GraphChannel]:
    return {channel.channel_id: channel for channel in graph.channels if pubkey in {channel.node1, channel.node2}}


def own_policy_known(channel: GraphChannel, pubkey: str) -> bool:
    return (channel.policy1 if channel.node1 == pubkey else channel.policy2) is not None


def test_the_fleet_follows_the_stated_rule(graph: Graph) -> None:
    chosen = select_fleet(graph, 12)

    assert len(set(chosen)) == 12
    for pubkey in chosen:
        channels = channels_of(graph, pubkey).values()
        assert MIN_CHANNELS <= len(channels) <= MAX_CHANNELS
        assert all(channel.is_usable and own_policy_known(channel, pubkey) for channel in channels)


def test_a_larger_fleet_begins_with_the_smaller_one_and_another_seed_with_others(graph: Graph) -> None:
    assert select_fleet(graph, 12)[:5] == select_fleet(graph, 5)
    assert select_fleet(graph, 12, seed=1)[:5] != select_fleet(graph, 5, seed=2)


def test_the_order_of_the_file_does_not_matter(graph: Graph) -> None:
    turned = Graph(nodes=graph.nodes[::-1], channels=graph.channels[::-1])

    assert select_fleet(turned, 5) == select_fleet(graph, 5)


def test_a_fleet_that_the_network_does_not_have_is_refused_with_the_number_it_has(graph: Graph) -> None:
    with pytest.raises(SelectionError, match=r"^\d+ nodes of this network qualify for a fleet of 500: ask for fewer"):
        select_fleet(graph, 500)


def test_nodes_off_the_main_network_are_not_chosen(graph: Graph) -> None:
    """An island of well connected nodes, smaller than the rest."""
    names = {node.pubkey: f"03{index:064x}" for index, node in enumerate(graph.nodes)}
    keep = set(sorted(names)[:100])
    island = [
        msgspec.structs.replace(channel, node1=names[channel.node1], node2=names[channel.node2])
        for channel in graph.channels
        if {channel.node1, channel.node2} <= keep
    ]

    whole = Graph(nodes=graph.nodes, channels=graph.channels + island)

    with pytest.raises(SelectionError) as without_island:
        select_fleet(graph, 500)
    with pytest.raises(SelectionError) as with_island:
        select_fleet(whole, 500)
    assert str(with_island.value) == str(without_island.value)


def test_the_same_arguments_give_the_same_world_byte_for_byte(graph: Graph) -> None:
    first, second = (msgspec.msgpack.encode(make_world(graph, 3)) for _ in range(2))
    other_seed = msgspec.msgpack.encode(make_world(graph, 3, seed=8))

    assert first == second
    assert first != other_seed


def test_every_channel_of_the_fleet_is_taken_over_as_the_graph_has_it(graph: Graph, world: World) -> None:
    names = {node.pubkey: node.stands_for for node in world.fleet}
    for node in world.fleet:
        announced = channels_of(graph, node.stands_for)
        taken = {channel.channel_id: channel for channel in world.channels_of(node.pubkey)}
        assert taken.keys() == announced.keys()
        for channel_id, channel in taken.items():
            origin = announced[channel_id]
            assert channel.capacity_sat == origin.capacity_sat
            assert channel.chan_point == origin.chan_point
            ends = [names.get(side.pubkey, side.pubkey) for side in channel.sides]
            assert ends == [origin.node1, origin.node2]
            for side, policy in zip(channel.sides, (origin.policy1, origin.policy2), strict=True):
                if policy is None:
                    assert side.policy is None
                else:
                    assert side.policy is not None
                    assert side.policy.fee_rate_ppm == policy.fee_rate_ppm
                    assert side.policy.base_fee_msat == policy.base_fee_msat
                    assert side.policy.time_lock_delta == policy.time_lock_delta
                    assert side.policy.max_htlc_msat == policy.max_htlc_msat


def test_balances_are_bimodal_and_add_up(world: World) -> None:
    check_conservation(world)
    shares = [channel.sides[0].balance_msat / (channel.capacity_sat * 1000) for channel in world.channels]

    assert len(shares) > 150
    assert 0.2 < sum(share < 0.15 for share in shares) / len(shares) < 0.45
    assert 0.2 < sum(share > 0.85 for share in shares) / len(shares) < 0.45


def test_a_few_channels_are_inactive_private_or_pending(world: World) -> None:
    count = len(world.channels)

    assert 0 < sum(not channel.active for channel in world.channels) < count * 0.1
    assert 0 < sum(channel.private for channel in world.channels) < count * 0.1
    assert 0 < sum(bool(node.pending_channel_points) for node in world.fleet) < len(world.fleet)
    assert 0 < len(world.in_flight) < count * 0.1


def test_peers_are_known_with_the_sums_of_the_whole_graph(graph: Graph, world: World) -> None:
    names = {node.pubkey: node.stands_for for node in world.fleet}
    ends = {side.pubkey for channel in world.channels for side in channel.sides}
    assert {node.pubkey for node in world.known_nodes} == ends
    for node in world.known_nodes:
        channels = channels_of(graph, names.get(node.pubkey, node.pubkey)).values()
        assert node.channel_count == len(channels)
        assert node.capacity_sat == sum(channel.capacity_sat for channel in channels)


def test_the_small_network_looks_like_a_network(graph: Graph) -> None:
    degrees = sorted(len(channels_of(graph, node.pubkey)) for node in graph.nodes)
    rates = sorted(policy.fee_rate_ppm for channel in graph.channels for _, policy in channel.usable_directions())

    assert len(graph.nodes) == 120
    assert degrees[0] >= 1
    assert 2 <= degrees[60] <= 6
    assert degrees[-1] > 40
    assert rates[len(rates) // 4] < rates[len(rates) // 2] < 400
    assert rates[int(len(rates) * 0.9)] > 500
    assert any(channel.policy1 is None or channel.policy2 is None for channel in graph.channels)
    assert len({channel.channel_id for channel in graph.channels}) == len(graph.channels)
    for node in graph.nodes:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), bytes.fromhex(node.pubkey))


def test_five_real_nodes_stand_with_their_real_keys_and_channels(mainnet: Graph) -> None:
    world = make_world(mainnet, 5, seed=20240922)

    aliases = {node.pubkey: node.alias for node in mainnet.nodes}
    assert len(msgspec.msgpack.encode(world)) < 1_000_000
    for node in world.fleet:
        announced = channels_of(mainnet, node.pubkey)
        assert {channel.channel_id for channel in world.channels_of(node.pubkey)} == announced.keys()
        assert node.alias == aliases[node.pubkey]
        assert MIN_CHANNELS <= len(announced) <= MAX_CHANNELS
    assert all(len(channel.chan_point) == 66 for channel in world.channels)


def test_a_simulated_network_gives_its_fleet_keys_to_sign_with(graph: Graph) -> None:
    fleet = build_world(graph, 3, origin="test", now_s=NOW_S, seed=7, has_own_keys=True).fleet
    assert len(fleet) == 3
    for node in fleet:
        assert derive_pubkey(node.identity_key) == node.pubkey != node.stands_for
