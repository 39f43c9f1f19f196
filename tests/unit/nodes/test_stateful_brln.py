"""brln and fee_adjuster: seed, rises, steps, floors, turns and the circuit breaker."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given as given_values
from hypothesis import strategies as st
from msgspec.structs import replace

from nodes.engine.cycle import ChannelInput
from nodes.engine.memory import BrlnMemory, DayValue, FeeAdjusterMemory
from nodes.engine.policies.brln.seed import keep_week, smooth_seed
from nodes.engine.policies.brln.target import BrlnFacts, aim, is_worth, step_towards
from nodes.engine.policies.brln.wish import find_top, has_broken, is_turn, wish_brln
from nodes.engine.policies.fee_adjuster import add_day, adjust_rate, measure_trend, wish_fee_adjuster
from nodes.engine.policy_change import PolicyChange
from nodes.engine.stateful_strategies import BrlnStrategy, FeeAdjusterStrategy
from nodes.engine.types import FlowTotals
from tests.unit.nodes.engine_builders import NOW, QUIET_WEEK, make_channel, make_cycle, make_input, make_policy
from tests.unit.nodes.test_stateful_clboss import MARKET

BRLN = BrlnStrategy(spread_rounds=1)
TODAY = int(NOW.timestamp()) // 86_400


def make_facts(**changes: Any) -> BrlnFacts:
    fields: dict[str, Any] = {"fee_rate_ppm": 500, "local_share": 0.5, "low_rounds": 0, "seed_ppm": 500.0}
    fields |= {"earned_ppm": None, "is_top": False, "is_idle": False, "breaker": False}
    return BrlnFacts(**(fields | changes))


def make_days(*values: float) -> list[DayValue]:
    return [DayValue(day=TODAY - len(values) + 1 + index, ppm=value) for index, value in enumerate(values)]


def make_brln_channel(*, ppm: int = 500, local_sat: int = 500_000, **changes: Any) -> ChannelInput:
    channel = make_channel(
        local_balance_sat=local_sat, remote_balance_sat=1_000_000 - local_sat, own_policy=make_policy(fee_rate_ppm=ppm)
    )
    return make_input(channel, **({"market": MARKET} | changes))


@given_values(st.lists(st.floats(0, 10_000), min_size=1, max_size=7), st.none() | st.floats(0, 10_000))
def test_a_seed_goes_a_fifth_of_the_way_and_rises_by_half_a_day_at_most(
    values: list[float], last_ppm: float | None
) -> None:
    seed = smooth_seed(make_days(*values), BRLN, last_ppm=last_ppm, elapsed_days=1.0)

    assert 0 <= seed <= max(2_000, last_ppm or 0)
    if last_ppm:
        assert seed <= last_ppm * 1.1 + 1e-9
        assert seed >= last_ppm * 0.8 - 1e-9


def test_a_week_keeps_the_newest_value_of_each_of_seven_days() -> None:
    days = make_days(*range(10))

    week = keep_week(days, DayValue(day=TODAY, ppm=77.0))

    assert [each.ppm for each in week] == [3, 4, 5, 6, 7, 8, 77]


@pytest.mark.parametrize(
    ("changes", "rule", "rise"),
    [
        ({}, "brln/seed", 0.0),
        ({"local_share": 0.05, "low_rounds": 2}, "brln/surge", 0.25),
        ({"local_share": 0.0, "low_rounds": 1}, "brln/surge", 0.3),
        ({"local_share": 0.05, "low_rounds": 3}, "brln/low", 0.05),
        ({"local_share": 0.05, "low_rounds": 9}, "brln/low", 0.2),
        ({"is_top": True}, "brln/top", 0.1),
        ({"earned_ppm": 100.0}, "brln/loss", 0.05),
    ],
)
def test_the_target_is_the_seed_and_25_ppm_raised_by_the_first_reason_that_holds(
    changes: dict[str, Any], rule: str, rise: float
) -> None:
    target = aim(make_facts(**changes), BrlnStrategy(cost_ppm=200))

    assert target.rule == rule
    assert target.ppm == pytest.approx(525 * (1 + rise))


def test_a_fee_never_falls_where_less_than_a_tenth_is_left() -> None:
    assert aim(make_facts(local_share=0.09, seed_ppm=10.0), BRLN).ppm == 500


@given_values(
    st.integers(0, 5_000), st.floats(0, 1), st.floats(0, 3_000), st.none() | st.floats(0, 3_000), st.integers(0, 1_000)
)
def test_a_step_is_short_and_ends_between_the_floors_and_the_limits(
    present: int, share: float, seed: float, earned: float | None, cost: int
) -> None:
    strategy = BrlnStrategy(cost_ppm=cost)
    facts = make_facts(fee_rate_ppm=present, local_share=share, seed_ppm=seed, earned_ppm=earned)

    new = step_towards(aim(facts, strategy), facts, strategy=strategy)

    floor = max(100.0, cost * 1.15, (earned or 0) * 0.85)
    assert 100 <= new <= 1_500
    assert new >= min(1_500, round(floor)) - 1
    if floor <= present - max(5, present * 0.1) and 100 <= present <= 1_500:
        assert abs(new - present) <= max(5, present * 0.1) + 1


@pytest.mark.parametrize(
    ("present", "new", "worth"), [(100, 114, False), (100, 115, True), (1_000, 1_039, False), (1_000, 960, True)]
)
def test_a_change_below_15_ppm_or_4_per_cent_is_ignored(present: int, new: int, worth: bool) -> None:
    assert is_worth(present, new, strategy=BRLN) is worth


@pytest.mark.parametrize(("days", "forwards", "broken"), [(7, 69, True), (7, 70, False), (6, 0, False), (9, 0, False)])
def test_a_raise_after_which_far_fewer_payments_left_is_taken_back_once(days: int, forwards: int, broken: bool) -> None:
    memory = BrlnMemory(
        at=NOW, raised_at=NOW - dt.timedelta(days=days), forwards_before=100, forwards_7d=forwards, fee_rate_ppm=500
    )

    assert has_broken(memory, BRLN) is broken


def test_the_breaker_cuts_a_tenth() -> None:
    memory = BrlnMemory(
        at=NOW - dt.timedelta(hours=1),
        raised_at=NOW - dt.timedelta(days=7),
        forwards_before=100,
        fee_rate_ppm=500,
        days=make_days(420.0),
        seed_ppm=420.0,
    )

    wish = wish_brln(make_cycle(), make_brln_channel(memory={"brln": memory}), strategy=BRLN, top=None)

    assert (wish.rule, wish.fee_rate_ppm) == ("brln/breaker", 450)


def test_a_raise_is_remembered_with_the_payments_before_it() -> None:
    memory = BrlnMemory(at=NOW - dt.timedelta(hours=1), fee_rate_ppm=400, forwards_7d=33)
    change = PolicyChange(at=NOW - dt.timedelta(minutes=30), by="engine", new_fee_rate_ppm=500)
    raised = make_brln_channel(memory={"brln": memory}, changes=[change])

    kept = wish_brln(make_cycle(), raised, strategy=BRLN, top=None).memory

    assert isinstance(kept, BrlnMemory)
    assert (kept.raised_at, kept.forwards_before) == (NOW - dt.timedelta(minutes=30), 33)


def test_a_channel_that_stays_short_is_counted_run_by_run() -> None:
    given = make_brln_channel(local_sat=50_000)
    rounds = []
    for _ in range(3):
        wish = wish_brln(make_cycle(), given, strategy=BRLN, top=None)
        assert isinstance(wish.memory, BrlnMemory)
        rounds.append((wish.memory.low_rounds, wish.rule))
        given = replace(given, memory={"brln": wish.memory})
    assert rounds == [(1, "brln/surge"), (2, "brln/surge"), (3, "brln/low")]


def test_each_channel_has_one_turn_in_three_hours() -> None:
    given = make_brln_channel()
    turns = [is_turn(make_cycle(now=NOW + dt.timedelta(hours=hour)), given, rounds=3) for hour in range(6)]

    assert turns.count(True) == 2
    assert turns[:3] == turns[3:]


def test_without_data_brln_and_fee_adjuster_say_so() -> None:
    for given in (make_brln_channel(market=None), make_brln_channel(flow=FlowTotals(days_observed=0.5))):
        wish = wish_brln(make_cycle(), given, strategy=BRLN, top=None)
        assert (wish.rule, wish.fee_rate_ppm, wish.memory) == ("brln/no-data", None, None)
    wish = wish_fee_adjuster(make_cycle(), make_brln_channel(market=None), strategy=FeeAdjusterStrategy())
    assert (wish.rule, wish.fee_rate_ppm) == ("fee_adjuster/no-data", None)


def test_the_top_earner_is_the_channel_with_the_highest_revenue() -> None:
    best = make_brln_channel(flow=replace(QUIET_WEEK, revenue_7d_msat=5))

    assert find_top([make_brln_channel(), best]) == best.channel.short_channel_id
    assert find_top([make_brln_channel()]) is None


@pytest.mark.parametrize(
    ("values", "trend"),
    [((1, 2, 3, 4, 5, 6, 7, 8, 9), 0.05), ((9, 8, 7, 6, 5, 4, 3, 2, 1), -0.05), ((5, 5, 5), 0.0), ((), 0.0)],
)
def test_a_trend_needs_day_week_and_month_in_order(values: tuple[float, ...], trend: float) -> None:
    assert measure_trend(make_days(*values)) == trend


def test_the_market_is_adjusted_by_hand_by_trend_and_by_group() -> None:
    strategy = FeeAdjusterStrategy(adjustment=0.1, trend_sensitivity=2.0, group_adjustments={"big": 0.5})

    assert adjust_rate(400, strategy, trend=0.05, group=0.5) == 720
    assert adjust_rate(4_000, strategy, trend=0.0, group=0.0) == 2_500

    wish = wish_fee_adjuster(make_cycle(), make_brln_channel(tags=["big", "other"]), strategy=strategy)
    assert wish.fee_rate_ppm == 660
    assert isinstance(wish.memory, FeeAdjusterMemory)
    assert wish.memory.days == [DayValue(day=TODAY, ppm=400.0)]


def test_thirty_days_are_kept_and_one_value_of_each() -> None:
    days = make_days(*range(40))

    kept = add_day(days, DayValue(day=TODAY, ppm=1.0), kept=30)

    assert len(kept) == 30
    assert kept[-1].ppm == 1.0
