"""Each node profile shows its mark."""

from functools import cache
from statistics import median

import pytest

from nodes.simulator.closed_loop.loop import ClosedLoop, Terms
from nodes.simulator.closed_loop.observation import leave_as_is
from nodes.simulator.closed_loop.outcome import Outcome
from nodes.simulator.closed_loop.profiles import AGGRESSIVE_PPM, PROFILES, shape_world
from nodes.simulator.closed_loop.world import ClosedWorld
from tests.unit.nodes.closed_loop.worlds import small_world

DAYS = 2
TERMS = Terms(days=DAYS, warm_up_days=1)


@cache
def shaped(profile: str) -> ClosedWorld:
    return shape_world(small_world(), profile)


@cache
def live(profile: str) -> Outcome:
    return ClosedLoop(shaped(profile), leave_as_is, terms=TERMS).run()


def count(profile: str, name: str) -> int:
    return sum(getattr(day, name) for day in live(profile).days)


def own_fees(profile: str) -> list[int]:
    network = shaped(profile).network
    policies = [network.policies[direction] for direction in network.own_directions.values()]
    return [policy.fee_rate_ppm for policy in policies if policy is not None]


def test_there_are_ten_profiles_and_normal_changes_nothing() -> None:
    assert len(PROFILES) == 10
    assert shaped("normal") == small_world()
    assert count("normal", "settled") > 0


def test_a_saturated_node_is_asked_more_than_it_can_pass_on() -> None:
    assert count("saturated", "tried") > 2.5 * count("normal", "tried")
    assert count("saturated", "local_failed") > count("normal", "local_failed")


def test_an_inactive_node_sees_hardly_a_payment() -> None:
    assert count("inactive", "tried") < count("normal", "tried") / 5
    assert count("inactive", "settled") < count("normal", "settled")


def test_an_abused_node_fails_far_more_than_it_settles() -> None:
    def ratio(profile: str) -> float:
        return count(profile, "failed") / max(1, count(profile, "settled"))

    assert ratio("abused") > 4 * ratio("normal")


def test_everything_in_a_star_goes_from_peer_to_peer_over_the_centre() -> None:
    world = shaped("star")
    peers = {world.network.heads[direction] for direction in world.network.own_directions.values()}
    assert world.demand.pairs
    assert {node for pair in world.demand.pairs for node in (pair.source, pair.target)} <= peers
    assert {route.own_hop for pair in world.demand.pairs for route in pair.routes} == {1}


def test_peers_of_an_unstable_node_come_and_go() -> None:
    loop = ClosedLoop(shaped("unstable"), leave_as_is, terms=TERMS)
    channels = [direction >> 1 for direction in loop.world.network.own_directions.values()]
    now_ms = loop.world.start_ms + 30 * 86_400_000
    presences = [loop.market.measure_presence(channel, now_ms=now_ms) for channel in channels]
    assert 0.55 < sum(there for there, _ in presences) / sum(watched for _, watched in presences) < 0.78
    assert 0 < sum(loop.market.is_away(channel, now_ms=now_ms) for channel in channels) < len(channels)


def test_aggressive_fees_are_high_everywhere() -> None:
    assert min(own_fees("aggressive_fees")) >= AGGRESSIVE_PPM > median(own_fees("normal"))


def test_a_routing_hub_starts_in_balance_and_is_asked_three_times_as_much() -> None:
    loop = ClosedLoop(shaped("routing_hub"), leave_as_is, terms=TERMS)
    ledger = loop.market.ledger
    own = loop.world.network.own_directions.values()
    assert all(abs(ledger.balances[d] / ledger.capacities[d >> 1] - 0.5) < 0.01 for d in own)
    assert count("routing_hub", "tried") > 2 * count("normal", "tried")


def test_a_dead_node_earns_nothing_and_has_nothing() -> None:
    assert count("dead_node", "tried") == 0
    assert live("dead_node").net_sat_per_day < 0
    assert all(channel.local_share <= 0.011 for channel in live("dead_node").channels.values())


def test_an_experimental_node_tries_all_kinds_of_fees() -> None:
    fees = own_fees("experimental")
    assert len(set(fees)) > 0.8 * len(fees)
    assert max(fees) > 20 * min(fees)


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(KeyError):
        shape_world(small_world(), "perfect")
