"""What flows through a node: no msat appears or is lost, and the figures are those of a real routing node."""

import statistics
from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.engine.report import PeerPolicy
from nodes.simulator.forwarding import admits, price_forward
from nodes.simulator.network import HISTORY_DAYS, build_world
from nodes.simulator.simulation import Simulation
from nodes.simulator.small_network import generate_network
from nodes.simulator.traffic import DAY_NS, NS_PER_S, Attempt, Demand
from nodes.simulator.world import World, check_conservation

NOW_S = 1_760_000_000
NOW_NS = NOW_S * NS_PER_S
FIRST_DAY = NOW_S // 86_400


@pytest.fixture(scope="module")
def made_world() -> bytes:
    graph = generate_network(seed=3, now_s=NOW_S)
    return msgspec.msgpack.encode(build_world(graph, 8, origin="test", now_s=NOW_S, seed=3))


@pytest.fixture
def world(made_world: bytes) -> World:
    return open_world(made_world)


def open_world(encoded: bytes) -> World:
    return msgspec.msgpack.decode(encoded, type=World)


def make_policy(**changes: int | bool) -> PeerPolicy:
    policy = PeerPolicy(
        base_fee_msat=1000, fee_rate_ppm=250, time_lock_delta=80, min_htlc_msat=1000, max_htlc_msat=10**9
    )
    return msgspec.structs.replace(policy, **changes)


def list_attempts(world: World, days: int) -> list[Attempt]:
    demands = [Demand(node, world.channels_of(node.pubkey), seed=world.seed) for node in world.fleet]
    return [attempt for demand in demands for day in range(days) for attempt in demand.plan_day(FIRST_DAY + day)]


@settings(max_examples=10)
@given(steps=st.lists(st.integers(0, DAY_NS), min_size=1, max_size=8))
def test_no_msat_appears_or_is_lost_at_any_moment(made_world: bytes, steps: list[int]) -> None:
    simulation = Simulation(open_world(made_world))
    moment = NOW_NS
    for step in steps:
        moment += step
        simulation.advance(moment)
        check_conservation(simulation.world)
        assert all(htlc.settles_at_ns > moment for htlc in simulation.world.in_flight)


@settings(max_examples=6)
@given(cuts=st.lists(st.integers(0, 3 * DAY_NS), max_size=6))
def test_many_steps_lead_where_one_step_leads(made_world: bytes, cuts: list[int]) -> None:
    """Also through a file in between: a restart changes nothing."""
    at_once = Simulation(open_world(made_world))
    at_once.advance(NOW_NS + 3 * DAY_NS)

    encoded = made_world
    for cut in [*sorted(cuts), 3 * DAY_NS]:
        simulation = Simulation(open_world(encoded))
        simulation.advance(NOW_NS + cut)
        encoded = msgspec.msgpack.encode(simulation.world)

    assert encoded == msgspec.msgpack.encode(at_once.world)


def test_a_clock_set_back_undoes_nothing(world: World) -> None:
    simulation = Simulation(world)
    before = msgspec.msgpack.encode(world)

    simulation.advance(NOW_NS - 5 * DAY_NS)

    assert msgspec.msgpack.encode(world) == before


def test_what_a_node_gains_is_its_fees_less_what_it_paid_to_move_its_own_sats() -> None:
    """Of one node's balances and what it has lent to payments under way, over ten days."""
    world = build_world(generate_network(seed=3, now_s=NOW_S), 1, origin="test", now_s=NOW_S, seed=3)
    node = world.fleet[0]

    def count_funds() -> int:
        balances = sum(channel.seen_by(node.pubkey)[0].balance_msat for channel in world.channels)
        return balances + sum(htlc.out_msat for htlc in world.in_flight)

    before = count_funds()
    Simulation(world).advance(NOW_NS + 10 * DAY_NS)

    later = [record for record in node.history if record.status == "settled" and record.at_ns > NOW_NS]
    earned = sum(record.in_msat - record.out_msat for record in later)
    paid = sum(record.fee_msat for record in node.rebalances if record.at_ns > NOW_NS)
    assert min(earned, paid) > 0
    assert count_funds() - before == earned - paid


def test_every_settled_forward_paid_the_announced_fee_within_the_limits(world: World) -> None:
    settled = [(node, record) for node in world.fleet for record in node.history if record.status == "settled"]
    channels = {channel.channel_id: channel for channel in world.channels}

    assert len(settled) > 1_000
    for node, record in settled:
        outgoing = channels[record.outgoing_id].seen_by(node.pubkey)[0].policy
        incoming = channels[record.incoming_id].seen_by(node.pubkey)[0].policy
        assert outgoing is not None
        assert record.in_msat - record.out_msat == price_forward(outgoing, incoming, amount_msat=record.out_msat)
        assert admits(outgoing, record.out_msat)
        assert record.incoming_id != record.outgoing_id


def test_fourteen_days_lie_behind_and_some_payments_failed(world: World) -> None:
    for node in world.fleet:
        moments = [record.at_ns for record in node.history if record.status == "settled"]
        assert moments == sorted(moments)
        assert moments[0] > NOW_NS - HISTORY_DAYS * DAY_NS
        assert moments[-1] <= NOW_NS
    statuses = Counter(record.status for node in world.fleet for record in node.history)
    assert statuses["settled"] > statuses["failed"] > 0
    assert statuses["local_failed"] > 0


def test_about_eighteen_forwards_settle_a_day(world: World) -> None:
    settled = sum(record.status == "settled" for node in world.fleet for record in node.history)
    wanted = sum(node.settled_per_day for node in world.fleet) * HISTORY_DAYS

    assert 0.75 < settled / wanted < 1.25
    assert all(9 < node.settled_per_day < 27 for node in world.fleet)


def test_daily_counts_vary_as_on_a_real_node(world: World) -> None:
    """Variance / mean of 14.8 was measured there; of Poisson arrivals it would be 1."""
    Simulation(world).advance(NOW_NS + 120 * DAY_NS)
    ratios = []
    for node in world.fleet:
        counts = Counter(record.at_ns // DAY_NS for record in node.history if record.status == "settled")
        days = [counts[day] for day in range(FIRST_DAY - 10, FIRST_DAY + 120)]
        ratios.append(statistics.variance(days) / statistics.mean(days))

    assert 8 < statistics.median(ratios) < 22


def test_more_is_paid_in_the_afternoon_than_at_night(world: World) -> None:
    hours = Counter(attempt.at_ns // (3600 * NS_PER_S) % 24 for attempt in list_attempts(world, 100))

    peak = sum(hours[hour] for hour in (12, 13, 14, 15))
    trough = sum(hours[hour] for hour in (0, 1, 2, 3))
    assert 1.4 < peak / trough < 2.3


def test_amounts_are_lognormal(world: World) -> None:
    amounts = sorted(attempt.amount_msat / 1000 for attempt in list_attempts(world, 50))

    assert 17_000 < amounts[len(amounts) // 2] < 24_000
    assert 70_000 < amounts[len(amounts) * 3 // 4] < 115_000


def test_dearer_channels_are_used_less(world: World) -> None:
    def settle_a_month(factor: int) -> int:
        copy = open_world(msgspec.msgpack.encode(world))
        for channel in copy.channels:
            for side in channel.sides:
                if side.policy is not None:
                    rate = side.policy.fee_rate_ppm * factor
                    side.policy = msgspec.structs.replace(side.policy, fee_rate_ppm=rate)
        Simulation(copy).advance(NOW_NS + 30 * DAY_NS)
        return sum(
            record.status == "settled" and record.at_ns > NOW_NS for node in copy.fleet for record in node.history
        )

    as_now, tenfold = settle_a_month(1), settle_a_month(10)

    assert 0.15 < tenfold / as_now < 0.6


def test_nothing_leaves_by_a_disabled_channel(world: World) -> None:
    node = world.fleet[0]
    closed = world.channels_of(node.pubkey)[0]
    own, _ = closed.seen_by(node.pubkey)
    assert own.policy is not None
    own.policy = msgspec.structs.replace(own.policy, disabled=True)

    Simulation(world).advance(NOW_NS + 30 * DAY_NS)

    later = [record for record in node.history if record.at_ns > NOW_NS + DAY_NS]
    assert len(later) > 50
    assert not any(record.outgoing_id == closed.channel_id for record in later)


@pytest.mark.parametrize(
    ("outgoing", "incoming", "fee_msat"),
    [
        (make_policy(), None, 1000 + 250),
        (make_policy(base_fee_msat=0, fee_rate_ppm=0), make_policy(), 0),
        (make_policy(), make_policy(inbound_base_fee_msat=-100), 1150),
        (make_policy(), make_policy(inbound_fee_rate_ppm=-500), 1250 - 500),  # 500 ppm of 1,001,250 msat, cut
        (make_policy(), make_policy(inbound_fee_rate_ppm=100), 1250 + 100),
        (make_policy(), make_policy(inbound_base_fee_msat=-5_000), 0),
    ],
)
def test_a_forward_costs_the_outgoing_fee_and_the_inbound_one(
    outgoing: PeerPolicy, incoming: PeerPolicy | None, fee_msat: int
) -> None:
    assert price_forward(outgoing, incoming, amount_msat=1_000_000) == fee_msat


def test_a_policy_admits_amounts_between_its_bounds_unless_disabled() -> None:
    policy = make_policy()

    assert [admits(policy, amount) for amount in (999, 1000, 10**9, 10**9 + 1)] == [False, True, True, False]
    assert not admits(make_policy(disabled=True), 5_000)
    assert not admits(None, 5_000)
