"""How senders choose, learn and hear."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from nodes.engine.report import PeerPolicy
from nodes.simulator.closed_loop.demand import DAY_MS, Payment
from nodes.simulator.closed_loop.dice import LEAST_DELAY_MS
from nodes.simulator.closed_loop.market import GRACE_MS, Market
from nodes.simulator.closed_loop.payment import try_payment
from nodes.simulator.closed_loop.sender import (
    HALF_LIFE_MS,
    PRIOR,
    Known,
    Offer,
    Sender,
    Way,
    choose_route,
    weigh_delay,
    weigh_doubt,
)
from nodes.simulator.forwarding import price_forward
from tests.unit.nodes.closed_loop.worlds import small_world

POLICY = PeerPolicy(base_fee_msat=1_000, fee_rate_ppm=100, time_lock_delta=80, min_htlc_msat=1_000, max_htlc_msat=10**9)


def test_a_failure_is_half_forgotten_after_an_hour() -> None:
    known = Known(POLICY)
    known.learn(1_000_000, now_ms=0, is_passed=False)
    assert known.estimate_probability(2_000_000, HALF_LIFE_MS) == PRIOR / 2
    assert known.estimate_probability(999_999, 0) == PRIOR
    known.learn(1_000_000, now_ms=0, is_passed=True)
    assert known.estimate_probability(10, 0) == 0.95


def choose(policies: Sequence[PeerPolicy | None], ways: list[Way], amount_msat: int, most_msat: int) -> Offer | None:
    routes = Sender(policies).map_routes(ways)
    return choose_route(routes, amount_msat, now_ms=0, most_msat=most_msat, can_send=lambda *_: True)


def test_a_way_costs_its_fees_its_delay_and_its_doubt() -> None:
    offer = choose([POLICY] * 4, [Way((0, 2))], 100_000_000, 10**12)
    assert offer is not None
    fee_msat = 1_000 + 10_000
    assert offer.amounts_msat == [100_000_000 + fee_msat, 100_000_000]
    assert round(offer.cost_msat - fee_msat) == round(15e-9 * 100_000_000 * 80 + (100_000 + 100_000) * (1 / PRIOR - 1))


@given(
    amount=st.integers(1_000, 10**9),
    base=st.integers(0, 10_000),
    rate=st.integers(0, 5_000),
    delta=st.integers(1, 300),
    hops=st.integers(1, 6),
)
def test_a_way_costs_what_its_parts_cost(amount: int, base: int, rate: int, delta: int, hops: int) -> None:
    policy = PeerPolicy(
        base_fee_msat=base, fee_rate_ppm=rate, time_lock_delta=delta, min_htlc_msat=0, max_htlc_msat=10**15
    )
    offer = choose([policy] * 2 * hops, [Way(tuple(range(0, 2 * hops, 2)))], amount, 10**15)
    cost, carried = 0.0, amount
    for _ in range(hops - 1):
        fee = price_forward(policy, None, amount_msat=carried)
        cost += fee + weigh_delay(policy, carried) + weigh_doubt(PRIOR, carried)
        carried += fee
    assert offer is not None
    assert offer.amounts_msat[0] == carried
    assert offer.cost_msat == pytest.approx(cost)


def test_a_way_beyond_the_budget_or_the_bounds_is_not_offered() -> None:
    policies = [POLICY, None, structs.replace(POLICY, max_htlc_msat=5_000), None]
    assert choose(policies, [Way((2, 0))], 100_000_000, 100_000_001) is None
    assert choose(policies, [Way((0, 2))], 100_000_000, 10**12) is None


HOPS = st.lists(
    st.tuples(st.integers(0, 5_000), st.integers(0, 3_000), st.integers(1, 200)), min_size=1, max_size=5
)  # base fee, fee rate, delta
LESSONS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10**9), st.booleans()), max_size=12)


@given(hops=st.lists(HOPS, min_size=2, max_size=6), lessons=LESSONS, amount=st.integers(1, 10**9))
def test_a_way_that_is_not_priced_was_not_the_cheapest(
    hops: list[list[tuple[int, int, int]]], lessons: list[tuple[int, int, bool]], amount: int
) -> None:
    """Each way by itself is priced in full; among others most are left out by their bound."""
    policies: list[PeerPolicy | None] = []
    ways: list[Way] = []
    for way in hops:
        ways.append(Way(tuple(range(len(policies), len(policies) + 2 * len(way) + 2, 2))))
        for base, rate, delta in [(0, 0, 1), *way]:
            policy = PeerPolicy(
                base_fee_msat=base, fee_rate_ppm=rate, time_lock_delta=delta, min_htlc_msat=0, max_htlc_msat=10**15
            )
            policies += [policy, None]
    sender = Sender(policies)
    routes = sender.map_routes(ways)
    for number, (hop, seen_msat, is_passed) in enumerate(lessons):
        if 2 * hop in sender.known:
            sender.known[2 * hop].learn(seen_msat, now_ms=number * HALF_LIFE_MS, is_passed=is_passed)
    terms: Any = {"now_ms": 12 * HALF_LIFE_MS, "most_msat": 10**18, "can_send": lambda *_: True}
    alone = [choose_route([route], amount, **terms) for route in routes]
    together = choose_route(routes, amount, **terms)
    assert together is not None
    assert together.cost_msat == min(offer.cost_msat for offer in alone if offer is not None)


def test_a_new_fee_reaches_each_sender_later_and_the_old_one_is_honoured_for_a_while() -> None:
    market = Market(small_world())
    direction = next(iter(market.network.own_directions.values()))
    old = market.policies[direction]
    assert old is not None
    new = structs.replace(old, fee_rate_ppm=old.fee_rate_ppm + 1)
    now_ms = market.world.start_ms
    heard = market.announce({direction: new}, now_ms=now_ms)
    assert all(LEAST_DELAY_MS <= at_ms - now_ms <= DAY_MS for at_ms, _ in heard)
    assert {known.policy for sender in market.senders.values() if (known := sender.known.get(direction))} == {old}
    assert market.find_accepted(direction, now_ms=now_ms + GRACE_MS - 1) == [new, old]
    assert market.find_accepted(direction, now_ms=now_ms + GRACE_MS) == [new]


def test_a_sender_with_an_old_fee_is_refused_after_the_grace_and_told_the_new_one() -> None:
    market = Market(small_world())
    now_ms = market.world.start_ms
    number, pair = next(
        (number, pair) for number, pair in enumerate(market.world.demand.pairs) if pair.routes[0].own_hop
    )
    raised = {
        direction: structs.replace(policy, base_fee_msat=policy.base_fee_msat + 10_000)
        for direction in market.network.own_directions.values()
        if (policy := market.policies[direction]) is not None
    }
    market.announce(raised, now_ms=now_ms)
    market.routes[number] = market.routes[number][:1]
    for direction in pair.routes[0].directions:
        market.ledger.share_out(direction >> 1, 1.0 - direction % 2)
    payment = Payment(now_ms + GRACE_MS, number, 2_000_000, 10**9, 1, is_payable=True)
    verdicts = [tried.verdict for tried in try_payment(market, payment)]
    assert verdicts[0] == "fee_insufficient"
    leaving = pair.routes[0].directions[pair.routes[0].own_hop]
    assert market.senders[pair.source].known[leaving].policy is raised[leaving]


def test_news_that_overtake_each_other_take_no_sender_back() -> None:
    market = Market(small_world())
    source, sender = next(iter(market.senders.items()))
    direction = next(direction for direction in market.network.own_directions.values() if direction in sender.known)
    second, third, fourth = ({direction: structs.replace(POLICY, fee_rate_ppm=ppm)} for ppm in (200, 300, 400))
    for moment, changes in enumerate((second, third, fourth)):
        market.announce(changes, now_ms=moment)
    market.hear(source, third)
    market.hear(source, second)
    assert sender.known[direction].policy is third[direction]
    market.hear(source, fourth)
    assert sender.known[direction].policy is fourth[direction]
