"""What a strategy takes off its own wish is named, with the rate it came to; and sentences say what they stand on."""

import datetime as dt
from typing import Any

import pytest
from msgspec.structs import replace

from nodes.engine.decision import decide_node
from nodes.engine.document import FeePolicy, Limits, LimitTable, Rule, Strategy, Values
from nodes.engine.guards.settings import GuardSettings
from nodes.engine.memory import DailyMemory
from nodes.engine.policies.flow import PeerFlow, choose_step
from nodes.engine.stateful_strategies import DailyStrategy, MarginalStrategy, PidStrategy
from nodes.engine.strategies import DisableStrategy, FlowStrategy, StaticStrategy
from nodes.engine.types import ChannelDecision, FlowTotals
from tests.unit.nodes.engine_builders import (
    CHANNEL,
    PEER,
    POLICY,
    PROPORTIONAL,
    decide,
    make_channel,
    make_cycle,
    make_input,
    make_policy,
    make_policy_of,
)
from tests.unit.nodes.guards.cases import make_change

FREE = Limits(min_change_ppm=0)


def decide_at(ppm: int, strategy: Strategy, **changes: Any) -> ChannelDecision:
    return decide(make_input(make_channel(own_policy=make_policy(fee_rate_ppm=ppm)), **changes), strategy, limits=FREE)


@pytest.mark.parametrize(("held_by", "lowest", "highest"), [("strategy_floor", 795, 900), ("strategy_ceiling", 0, 700)])
def test_a_strategy_that_meets_its_own_limit_says_so(held_by: str, lowest: int, highest: int) -> None:
    memory = {"daily": DailyMemory(has_forwarded=True)}
    decision = decide_at(800, DailyStrategy(min_fee_rate_ppm=lowest, max_fee_rate_ppm=highest), memory=memory)

    assert decision.held_by == held_by
    assert "not to 784 ppm: the rule's " in decision.reason


def test_a_fee_that_moves_onto_the_grid_is_told_by_the_grid() -> None:
    flow = FlowTotals(days_observed=7.0, out_7d_msat=10_000_000)
    large = replace(flow, large=replace(flow.large, out_7d_sat=10_000))
    channel = make_channel(local_balance_sat=500_000, own_policy=make_policy(fee_rate_ppm=4))
    decision = decide(make_input(channel, peer={"flow": large}), FlowStrategy(), limits=FREE)

    assert decision.held_by == "strategy_increment"
    assert "does not ask for another fee, but 4 ppm is no whole step of 5 ppm" in decision.reason


def test_a_gate_that_is_shut_is_named() -> None:
    decision = decide_at(800, PidStrategy(targets={PEER: 0.5}))

    assert (decision.direction, decision.held_by) == ("keep", "strategy_gate")
    assert "once in 24 h" in decision.reason


def test_pid_tells_the_numbers_that_make_its_price() -> None:
    reason = decide_at(800, PidStrategy()).reason

    assert "a spread of " in reason
    assert " whole ppm" in reason


def test_a_channel_that_is_off_is_said_to_stay_off() -> None:
    present = make_policy(disabled=True)
    kept = decide(make_input(make_channel(own_policy=replace(present, fee_rate_ppm=125))))
    moved = decide(make_input(make_channel(own_policy=present)))

    assert (kept.held_by, moved.held_by) == ("switches_on", "switches_on")
    assert "so the fee stays at 125 ppm and the channel stays off: the fee policy switches on no channel" in kept.reason
    assert "the channel stays off: the fee policy switches on no channel" in moved.reason


def test_a_channel_that_may_not_go_off_is_said_to_stay_on() -> None:
    given = make_input(changes=[make_change(dt.timedelta(0), by="owner")])
    decision = decide(given, DisableStrategy())

    assert decision.held_by == "manual_change"
    assert "but the channel stays on: somebody else changed it 0 s ago" in decision.reason


def test_what_the_node_may_still_change_goes_to_the_best_and_what_was_changed_before_is_told() -> None:
    channels = [make_input(replace(CHANNEL, short_channel_id=f"80000{number}x1x0")) for number in range(5)]
    policy = replace(make_policy_of(), guards=GuardSettings(max_changes_per_day_node=3))
    fresh = decide_node(make_cycle(policy), channels).decisions
    spent = [replace(given, changes=[make_change(dt.timedelta(hours=2))]) for given in channels]
    used = decide_node(make_cycle(policy), spent).decisions

    assert [decision.held_by for decision in fresh] == [None] * 3 + ["node_changes_per_day"] * 2
    assert "none was changed before, and the 3 left go to others" in fresh[-1].reason
    assert {decision.held_by for decision in used} == {"node_changes_per_day"}
    assert "5 were changed before, and none is left" in used[0].reason


def test_a_cost_below_one_sat_is_told_with_its_digits() -> None:
    flow = FlowTotals(days_observed=7.0, revenue_7d_msat=2_800)
    policy = replace(make_policy_of(DisableStrategy()), guards=GuardSettings(max_cost_per_day_sat=0))
    [decision] = decide_node(make_cycle(policy), [make_input(flow=flow)]).decisions

    assert decision.held_by == "cost_per_day"
    assert "it may cost 0.4 sat a day, and of the 0 sat" in decision.reason


def test_a_hold_hangs_on_the_fee_it_speaks_of() -> None:
    present = make_policy(fee_rate_ppm=850, base_fee_msat=1000, inbound_base_fee_msat=0)
    rule = Rule(name="all", strategy=StaticStrategy(), values=Values(fee_rate_ppm=8_879, base_fee_msat=0))
    policy = FeePolicy(rules=[rule], limits=LimitTable(node=Limits(max_fee_rate_ppm=5_000)))
    [decision] = decide_node(make_cycle(policy), [make_input(make_channel(own_policy=present))]).decisions

    words = "from 850 to 5000 ppm, not to 8879 ppm: the highest is 5000 ppm; the base fee in msat goes from 1000 to 0"
    assert words in decision.reason


def test_a_static_rule_without_values_does_not_claim_any() -> None:
    assert decide(strategy=StaticStrategy()).reason.startswith("The rule names no value, so the fee stays at 800 ppm")


def test_marginal_that_has_learned_nothing_does_not_count_payments() -> None:
    reason = decide(strategy=MarginalStrategy()).reason
    changed = make_input(changes=[make_change(dt.timedelta(minutes=5))])

    assert (
        "No whole day with balance to sell at one fee has been learned from yet"
        in decide(changed, MarginalStrategy()).reason
    )
    assert "in 0.0 days" not in reason


def test_flow_compares_incomes_with_the_digits_they_have() -> None:
    peer = PeerFlow(
        capacity_sat=100, local_sat=95, in_1d_sat=1, in_7d_sat=9, out_7d_sat=1, revenue_7d_msat=1, assist_7d_msat=15,
        failed_out_1d=0,
    )  # fmt: skip

    assert "earned 0.015 sat against 0.001 sat" in choose_step(peer, FlowStrategy()).reason


def test_a_wish_that_is_written_as_it_was_has_no_hold() -> None:
    decision = decide(strategy=PROPORTIONAL)

    assert (decision.held_by, decision.proposed_policy) == (None, replace(POLICY, fee_rate_ppm=125))
