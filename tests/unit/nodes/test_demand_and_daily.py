"""lndmanage's demand and the daily rule: their bounds and rows, and what they do otherwise than the originals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from nodes.engine.cycle import ChannelInput, Memories
from nodes.engine.decision import decide_node
from nodes.engine.document import Strategy
from nodes.engine.policies.daily import DailyFacts, is_available, move_rate, step_day
from nodes.engine.policies.lndmanage import PeerDemand, bound_demand, scale_base_fee, scale_rate
from nodes.engine.stateful_strategies import DailyStrategy, LndmanageStrategy
from nodes.engine.types import ChannelDecision, FlowTotals
from tests.unit.nodes.engine_builders import (
    PEER,
    make_channel,
    make_cycle,
    make_input,
    make_policy,
    make_policy_of,
)


def make_facts(**changes: object) -> DailyFacts:
    fields: dict[str, object] = {"fee_rate_ppm": 100, "local_sat": 500_000, "out_1d_msat": 0, "has_forwarded": True}
    return DailyFacts(**(fields | changes))  # type: ignore[arg-type]


@given(st.integers(1, 10**10), st.floats(0, 1), st.integers(0, 10**10), st.integers(0, 10_000))
def test_demand_moves_a_fee_by_half_at_most_at_once(
    capacity_sat: int, share: float, out_sat: int, forwards: int
) -> None:
    local_sat = int(share * capacity_sat)
    demand = PeerDemand(capacity_sat=capacity_sat, local_sat=local_sat, out_sat=out_sat, out_forwards=forwards)

    assert 0.5 <= bound_demand(capacity_sat, local_sat) <= 1.05
    assert 0.5 <= scale_rate(demand) <= 1.5
    assert 0.75 <= scale_base_fee(demand) <= 1.5


def test_the_demand_aimed_at_keeps_fee_and_base_fee() -> None:
    demand = PeerDemand(capacity_sat=10**7, local_sat=5 * 10**6, out_sat=100_000, out_forwards=4)

    assert scale_rate(demand) == pytest.approx(1.0)
    assert scale_base_fee(demand) == pytest.approx(1.0)


def test_a_small_channel_is_held_to_its_own_reserve_and_not_to_that_of_a_large_one() -> None:
    """A third of 600,000 sat is the reserve: 300,000 sat are above it, 100,000 below."""
    assert bound_demand(600_000, 300_000) == pytest.approx(1 - 0.5 * 100_000 / 400_000)
    assert bound_demand(600_000, 300_000, compare_full_reserve=True) == pytest.approx(1 - 0.05 / 2)
    assert bound_demand(600_000, 100_000) == pytest.approx(1.025)
    assert bound_demand(600_000, 200_000) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("changes", "rule", "percent"),
    [
        ({"out_1d_msat": 1, "local_sat": 0, "has_forwarded": False}, "daily/forwarded", 5),
        ({"local_sat": 49_999, "has_forwarded": False}, "daily/low", 1),
        ({"local_sat": 50_000, "has_forwarded": False}, "daily/never", -15),
        ({}, "daily/quiet", -2),
    ],
)
def test_the_daily_rule_takes_the_first_row_that_holds(changes: dict[str, object], rule: str, percent: int) -> None:
    step = step_day(make_facts(**changes))

    assert (step.rule, step.percent) == (rule, percent)


@given(st.integers(0, 10_000), st.sampled_from([5, 1, -15, -2]))
def test_a_daily_step_moves_every_rate_its_way_until_the_limit(rate_ppm: int, percent: int) -> None:
    moved = move_rate(rate_ppm, percent, min_ppm=1, max_ppm=5_000)

    assert 1 <= moved <= 5_000
    if 1 < rate_ppm < 5_000:
        assert (moved > rate_ppm) is (percent > 0)
        assert moved == 5_000 or abs(moved - rate_ppm * (100 + percent) / 100) < 1


@pytest.mark.parametrize(("availability", "expected"), [(None, True), (0.8, True), (0.79, False)])
def test_a_peer_that_is_away_too_often_is_not_available(
    availability: float | None,
    expected: bool,
) -> None:
    assert is_available(make_facts(availability=availability), min_availability=0.8) is expected


def decide_one(given: ChannelInput, strategy: Strategy) -> tuple[ChannelDecision, Memories]:
    decision = decide_node(make_cycle(make_policy_of(strategy)), [given])
    return decision.decisions[0], decision.memories


BUSY = FlowTotals(days_observed=7.0, out_1d_msat=5_000_000, out_7d_msat=100_000_000, out_forwards_7d=4)


def test_lndmanage_prices_all_channels_of_a_peer_by_their_mean_rate() -> None:
    channels = [
        make_input(make_channel(own_policy=make_policy(fee_rate_ppm=ppm, base_fee_msat=1_000), short_channel_id=scid))
        for scid, ppm in (("1x1x1", 200), ("2x2x2", 400))
    ]
    busy = [replace(channels[0], flow=FlowTotals(days_observed=7)), replace(channels[1], flow=BUSY)]

    decisions = decide_node(make_cycle(make_policy_of(LndmanageStrategy())), busy).decisions

    proposed = [one.proposed_policy for one in decisions]
    assert [(one.fee_rate_ppm, one.base_fee_msat, one.time_lock_delta) for one in proposed if one] == [
        (300, 1_000, 40),
        (300, 1_000, 40),
    ]


def test_lndmanage_takes_demand_and_means_over_the_same_channels() -> None:
    """An inactive, private channel counts in both, and the base fee is cut to whole msat as there."""
    shown, away = (
        make_channel(own_policy=make_policy(fee_rate_ppm=ppm, base_fee_msat=base), short_channel_id=scid, active=active,
                     private=not active)
        for scid, ppm, base, active in (("1x1x1", 200, 1_001, True), ("2x2x2", 400, 1_000, False))
    )  # fmt: skip
    inputs = [make_input(shown, flow=FlowTotals(days_observed=7)), make_input(away, flow=BUSY)]
    proposed = decide_node(make_cycle(make_policy_of(LndmanageStrategy())), inputs).decisions[0].proposed_policy
    assert proposed is not None
    assert (proposed.fee_rate_ppm, proposed.base_fee_msat) == (300, 1_000)


def test_lndmanage_sets_its_first_price_once_and_only_where_it_is_asked_to() -> None:
    strategy = LndmanageStrategy(initialise=True)

    first, memories = decide_one(make_input(), strategy)
    again, _ = decide_one(make_input(peer_memory=memories.peers[PEER]), strategy)
    unasked, nothing = decide_one(make_input(), LndmanageStrategy())

    assert first.proposed_policy is not None
    assert (first.proposed_policy.fee_rate_ppm, first.proposed_policy.base_fee_msat) == (2_500, 0)
    assert again.rule == unasked.rule == "lndmanage/demand"
    assert nothing.peers == {}


def test_without_a_day_of_history_lndmanage_and_the_daily_rule_say_no_data() -> None:
    unknown = FlowTotals(days_observed=0.9)
    given_ = make_input(flow=unknown, peer={"flow": unknown})

    for strategy in (LndmanageStrategy(), DailyStrategy()):
        decision, _ = decide_one(given_, strategy)
        assert decision.direction == "keep"
        assert "no data" in decision.reason


def test_the_daily_rule_remembers_that_a_channel_forwarded_once() -> None:
    decision, memories = decide_one(make_input(flow=BUSY), DailyStrategy())
    quiet, _ = decide_one(make_input(memory=memories.channels["800000x1x0"]), DailyStrategy())
    never, _ = decide_one(make_input(), DailyStrategy())

    rates = [one.proposed_policy.fee_rate_ppm for one in (decision, quiet, never) if one.proposed_policy]
    assert rates == [840, 784, 680]


def test_the_daily_rule_disables_a_channel_whose_peer_is_away_and_enables_it_again() -> None:
    away, memories = decide_one(make_input(make_channel(uptime_s=79, lifetime_s=100)), DailyStrategy())
    off = make_channel(uptime_s=80, lifetime_s=100, own_policy=make_policy(disabled=True))
    back, _ = decide_one(make_input(off, memory=memories.channels["800000x1x0"]), DailyStrategy())
    owners, _ = decide_one(make_input(off), DailyStrategy())
    untouched, _ = decide_one(
        make_input(make_channel(uptime_s=1, lifetime_s=100)), DailyStrategy(min_availability=None)
    )

    assert away.proposed_policy is not None
    assert back.proposed_policy is not None
    assert untouched.proposed_policy is not None
    assert (away.rule, away.proposed_policy.disabled) == ("daily/away", True)
    assert back.proposed_policy.disabled is False
    assert owners.proposed_policy is not None
    assert owners.proposed_policy.disabled is True
    assert untouched.proposed_policy.disabled is False
