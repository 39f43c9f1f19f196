import datetime as dt
from typing import Any

import pytest
from msgspec.structs import replace

from nodes.engine.decision import decide_node
from nodes.engine.document import FeePolicy, Limits, Rule, Values
from nodes.engine.effect import estimate_effect
from nodes.engine.guards.settings import GuardSettings
from nodes.engine.strategies import DisableStrategy, FlowStrategy, IgnoreFeesStrategy
from nodes.engine.types import FlowTotals
from tests.unit.nodes.engine_builders import (
    POLICY,
    QUIET_WEEK,
    decide,
    make_channel,
    make_cycle,
    make_input,
    make_policy,
    make_policy_of,
)
from tests.unit.nodes.guards.cases import make_change

# 1,000 sat a day, of payments of 1,000,000 sat
EARNING = FlowTotals(days_observed=7.0, out_7d_msat=10_000_000_000, out_forwards_7d=10, revenue_7d_msat=7_000_000)


def test_a_full_channel_is_made_cheaper_and_the_owner_reads_why() -> None:
    decision = decide()

    assert decision.direction == "lower"
    assert decision.rule == "proportional"
    assert decision.reason == (
        "Local balance is 92 % of the channel, which asks for 125 ppm, so the fee goes down from 800 to 125 ppm "
        "(proportional, 50..1000 ppm)."
    )
    assert decision.held_by is None
    assert decision.proposed_policy == replace(POLICY, fee_rate_ppm=125)


def test_a_drained_channel_is_made_dearer() -> None:
    channel = make_channel(local_balance_sat=0, remote_balance_sat=1_000_000)
    decision = decide(make_input(channel))

    assert decision.direction == "raise"
    told = "Local balance is 0 % of the channel, which asks for 1000 ppm, so the fee goes up from 800 to 1000 ppm"
    assert told in decision.reason


def test_a_fee_that_is_right_is_kept_without_a_guard() -> None:
    channel = make_channel(own_policy=make_policy(fee_rate_ppm=125))
    decision = decide(make_input(channel))

    assert (decision.direction, decision.held_by) == ("keep", None)
    assert decision.proposed_policy == channel.own_policy
    assert "so the fee stays at 125 ppm" in decision.reason


def test_a_limit_that_cuts_a_change_is_told_with_the_wish() -> None:
    decision = decide(limits=Limits(max_step_ppm=50))

    assert (decision.direction, decision.held_by) == ("lower", "max_step_ppm")
    assert "from 800 to 750 ppm" in decision.reason
    assert "not to 125 ppm: one step is at most 50 ppm" in decision.reason


def test_a_guard_that_stops_a_change_is_told_with_the_wish() -> None:
    given = make_input(changes=[make_change(dt.timedelta(hours=1))])
    decision = decide(given, limits=Limits(cooldown_s=7200))

    assert (decision.direction, decision.held_by) == ("keep", "cooldown_s")
    assert decision.proposed_policy == POLICY
    assert "asks for 125 ppm, but the fee stays at 800 ppm: it was changed 1.0 h ago" in decision.reason


def test_a_channel_without_a_policy_has_nothing_to_propose() -> None:
    """charge-lnd compares such a channel with the policy of the one before it."""
    decision = decide(make_input(make_channel(own_policy=None), flow=EARNING))

    assert (decision.direction, decision.rule, decision.held_by) == ("keep", "kept/unknown_policy", "unknown_policy")
    assert decision.proposed_policy is None
    assert decision.effect is None


@pytest.mark.parametrize(("changes", "word"), [({"active": False}, "not active"), ({"private": True}, "private")])
def test_a_channel_that_is_kept_out_keeps_its_whole_policy_and_says_why(changes: dict[str, Any], word: str) -> None:
    decision = decide(make_input(make_channel(**changes)))

    assert decision.direction == "keep"
    assert decision.proposed_policy == POLICY
    assert word in decision.reason


def test_two_empty_sides_keep_the_fee_and_say_so() -> None:
    decision = decide(make_input(make_channel(local_balance_sat=0, remote_balance_sat=0)))

    assert (decision.direction, decision.held_by, decision.proposed_policy) == ("keep", "no_balance", POLICY)
    assert decision.reason.startswith("Neither side holds a balance")


def test_a_fee_of_zero_is_written_and_not_taken_for_nothing() -> None:
    channel = make_channel(own_policy=make_policy(fee_rate_ppm=25), local_balance_sat=1_000_000, remote_balance_sat=0)
    decision = decide(make_input(channel), FlowStrategy())

    assert decision.direction == "lower"
    assert decision.proposed_policy is not None
    assert decision.proposed_policy.fee_rate_ppm == 0
    assert "from 25 to 0 ppm" in decision.reason


def test_the_flow_rule_takes_one_step_a_day_without_a_limit_that_says_so() -> None:
    an_hour_ago = make_input(changes=[make_change(dt.timedelta(hours=1))])
    a_day_ago = make_input(changes=[make_change(dt.timedelta(days=1))])

    assert decide(an_hour_ago, FlowStrategy()).held_by == "cooldown_s"
    assert decide(a_day_ago, FlowStrategy()).direction == "lower"


def test_a_change_of_the_inbound_fee_alone_has_a_direction_a_reason_and_no_estimate() -> None:
    channel = make_channel(
        own_policy=make_policy(fee_rate_ppm=0, inbound_fee_rate_ppm=-60, inbound_base_fee_msat=-1000)
    )
    decision = decide(make_input(channel, flow=EARNING), FlowStrategy(set_inbound=True))

    assert (decision.direction, decision.effect) == ("raise", None)
    assert "the inbound fee goes from -60 to 0 ppm" in decision.reason
    assert "the inbound base fee goes from -1000 to 0 msat" in decision.reason


def test_the_effect_follows_the_observed_elasticity_with_its_interval() -> None:
    before, after = (make_policy(base_fee_msat=0, fee_rate_ppm=ppm) for ppm in (400, 800))
    effect = estimate_effect(EARNING, before, proposed=after)

    assert effect is not None
    assert effect.sat_per_day == pytest.approx(1000 * (2**0.38 - 1), abs=0.001)
    assert effect.low_sat_per_day == pytest.approx(1000 * (2**-0.2 - 1), abs=0.001)
    assert effect.high_sat_per_day == pytest.approx(1000 * (2**0.6 - 1), abs=0.001)
    assert effect.basis == (
        "fees of the last 7 days (7000 sat) and a volume that changes by -0.62 % (-0.4 to -1.2) "
        "for each 1 % of fee: observed on one node, not causal"
    )


def test_a_lower_fee_costs_by_the_middle_estimate_and_may_earn_by_the_far_one() -> None:
    effect = estimate_effect(EARNING, make_policy(fee_rate_ppm=800), proposed=make_policy(fee_rate_ppm=400))

    assert effect is not None
    assert effect.low_sat_per_day < effect.sat_per_day < 0 < effect.high_sat_per_day


def test_the_effect_counts_a_day_by_the_days_observed() -> None:
    two_days = replace(EARNING, days_observed=2.0, revenue_7d_msat=2_000_000)
    before, after = make_policy(fee_rate_ppm=400), make_policy(fee_rate_ppm=800)

    week = estimate_effect(EARNING, before, proposed=after)
    short = estimate_effect(two_days, before, proposed=after)
    assert week is not None
    assert short is not None
    assert short.sat_per_day == week.sat_per_day
    assert "last 2 days (2000 sat)" in short.basis


def test_a_change_to_zero_loses_all_fee_income_and_a_large_one_is_called_extrapolated() -> None:
    effect = estimate_effect(EARNING, POLICY, proposed=make_policy(base_fee_msat=0, fee_rate_ppm=0))

    assert effect is not None
    assert (effect.low_sat_per_day, effect.sat_per_day, effect.high_sat_per_day) == (-1000.0, -1000.0, -1000.0)
    assert effect.basis.endswith("extrapolated: the fee changes by more than a factor of 2")


def test_a_kept_fee_changes_nothing() -> None:
    effect = estimate_effect(EARNING, POLICY, proposed=POLICY)

    assert effect is not None
    assert (effect.low_sat_per_day, effect.sat_per_day, effect.high_sat_per_day) == (0.0, 0.0, 0.0)


def test_an_effect_too_small_to_tell_is_zero_without_a_sign() -> None:
    effect = estimate_effect(replace(EARNING, revenue_7d_msat=1), POLICY, proposed=make_policy(fee_rate_ppm=750))

    assert effect is not None
    assert str(effect.sat_per_day) == "0.0"


@pytest.mark.parametrize(
    ("flow", "present"),
    [
        (QUIET_WEEK, POLICY),
        (replace(EARNING, days_observed=0.9), POLICY),
        (EARNING, make_policy(base_fee_msat=0, fee_rate_ppm=0)),
        (replace(EARNING, out_forwards_7d=0), POLICY),
        (EARNING, make_policy(inbound_fee_rate_ppm=-10)),
        (EARNING, make_policy(inbound_base_fee_msat=0)),
    ],
)
def test_there_is_no_effect_where_nothing_is_known(flow: FlowTotals, present: Any) -> None:
    assert estimate_effect(flow, present, proposed=make_policy(fee_rate_ppm=900)) is None


def test_a_channel_that_is_switched_off_is_a_change_that_loses_its_income() -> None:
    decision = decide(make_input(flow=EARNING), DisableStrategy())

    assert (decision.direction, decision.held_by) == ("change", None)
    assert decision.effect is not None
    assert (decision.effect.low_sat_per_day, decision.effect.high_sat_per_day) == (-1000.0, -1000.0)
    assert "the channel is switched off" in decision.reason


def test_the_ceiling_of_cost_counts_the_income_of_a_channel_that_is_switched_off() -> None:
    policy = replace(make_policy_of(DisableStrategy()), guards=GuardSettings(max_cost_per_day_sat=999))
    [decision] = decide_node(make_cycle(policy), [make_input(flow=EARNING)]).decisions

    assert (decision.direction, decision.held_by) == ("keep", "cost_per_day")


def test_a_time_lock_alone_is_a_change_without_an_estimate() -> None:
    rule = Rule(name="all", strategy=IgnoreFeesStrategy(), values=Values(time_lock_delta=144))
    [decision] = decide_node(make_cycle(FeePolicy(rules=[rule])), [make_input(flow=EARNING)]).decisions

    assert (decision.direction, decision.effect) == ("change", None)


def test_a_base_fee_is_estimated_by_what_a_payment_of_the_mean_size_pays() -> None:
    """A mean payment of 1,000 sat pays 1 + 0.8 sat before, and 100 + 0.8 sat after."""
    flow = replace(EARNING, out_forwards_7d=10_000)
    dearer = make_policy(base_fee_msat=100_000)
    effect = estimate_effect(flow, POLICY, proposed=dearer)

    assert effect is not None
    assert effect.sat_per_day == pytest.approx(1000 * ((100.8 / 1.8) ** 0.38 - 1), abs=0.001)
    assert effect.low_sat_per_day < 0


def test_ten_times_the_rate_is_not_ten_times_the_fee_where_most_of_it_is_the_base_fee() -> None:
    """A mean payment of 1,000 sat pays 1 + 0.01 sat before, and 1 + 0.1 sat after."""
    flow = replace(EARNING, out_forwards_7d=10_000)
    effect = estimate_effect(flow, make_policy(fee_rate_ppm=10), proposed=make_policy(fee_rate_ppm=100))

    assert effect is not None
    assert effect.sat_per_day == pytest.approx(1000 * ((1.1 / 1.01) ** 0.38 - 1), abs=0.001)
    assert "extrapolated" not in effect.basis


@pytest.mark.parametrize(("before", "after"), [(True, True), (True, False)])
def test_what_a_channel_that_is_off_would_earn_is_not_known(before: bool, after: bool) -> None:
    present = make_policy(disabled=before)
    assert estimate_effect(EARNING, present, proposed=make_policy(disabled=after, fee_rate_ppm=400)) is None
