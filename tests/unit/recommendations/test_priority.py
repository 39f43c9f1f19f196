"""What to do first: within goals, budget and number, and with a reason for all that is not there."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.engine.advice import Advice, Category, Confidence, Estimate, Kind
from recommendations.engine.params import (
    Backup,
    BatchOpening,
    Closing,
    Depleted,
    FeeChange,
    Named,
    NotSynced,
    Opening,
    Rebalance,
)
from recommendations.engine.priority import Goal, Passed, Wish, prioritise
from recommendations.engine.words.priority import WORDS, tell_action, tell_passed
from tests.factories import pubkey_of

DEPLETED: dict[str, Any] = {"local_sat": 1, "capacity_sat": 10, "percent": 10, "failed": 0, "missed_sat": 0, "days": 9}


def name(number: int) -> Named:
    return Named(short_channel_id=f"800000x{number}x0", peer_pubkey=pubkey_of(f"peer {number}"), peer_alias=None)


def make_advice(kind: Kind, params: Any, **changes: Any) -> Advice:
    channel = getattr(params, "channel", None)
    usual = {
        "id": uuid4(),
        "key": str(uuid4()),
        "kind": kind,
        "category": Category.REVENUE,
        "subject": channel.short_channel_id if channel else "node",
        "params": params,
        "estimated_impact": Estimate(low=1.0, mean=2.0, high=3.0),
        "cost_sat": 0,
        "effort": 5,
        "confidence": Confidence(value=1.0, grounds=()),
        "evidence": (),
        "command": "lncli getinfo",
    }
    return Advice(**usual | changes)


def make_fee(number: int, mean: float | None = 2.0, **changes: Any) -> Advice:
    fee = FeeChange(
        channel=name(number), direction="raise", old_ppm=1, new_ppm=2, old_base_msat=0, new_base_msat=0, revenue_sat=1,
        days=9, why={"en": "because", "fr": "parce que"},
    )  # fmt: skip
    return make_advice(Kind.FEE_ADJUSTMENT, fee, estimated_impact=Estimate(mean=mean), **changes)


def make_rebalance(number: int, source: int, **changes: Any) -> Advice:
    params = Rebalance(
        target=name(number), source=name(source), amount_sat=1, target_earns_ppm=1, source_earns_ppm=1,
        break_even_ppm=1, max_cost_ppm=1, max_cost_sat=1, drain_sat_per_day=1, days_left=1, last_hop_ppm=None,
    )  # fmt: skip
    usual: dict[str, Any] = {"category": Category.LIQUIDITY, "subject": params.target.short_channel_id, "cost_sat": 100}
    return make_advice(Kind.REBALANCE, params, **usual | changes)


def make_closing(number: int, **changes: Any) -> Advice:
    params = Closing(
        channel=name(number), days=90, age_days=90, earned_sat=0, onchain_share_sat=1, rebalance_sat=None,
        profit_sat=-1, local_sat=9, others_ppm_per_day=1, close_cost_sat=5, is_active=True,
    )  # fmt: skip
    return make_advice(Kind.CLOSE_CHANNEL, params, **{"category": Category.COST} | changes)


def make_opening(pubkey: str, **changes: Any) -> Advice:
    params = Opening(pubkey=pubkey, alias=None, min_sat=1, ideal_sat=5_000_000, onchain_sat=300, sat_per_vbyte=1.0)
    usual: dict[str, Any] = {
        "category": Category.CONNECTIVITY,
        "subject": pubkey,
        "cost_sat": 300,
        "estimated_impact": Estimate(why_none="new_peer"),
    }
    return make_advice(Kind.OPEN_CHANNEL, params, **usual | changes)


def make_unsynced() -> Advice:
    urgent = NotSynced(block_height=1)
    return make_advice(Kind.RELIABILITY, urgent, category=Category.RELIABILITY, estimated_impact=Estimate())


def why_not(advice: list[Advice], wish: Wish) -> dict[Any, Passed]:
    return {one.id: reason for one, reason in prioritise(advice, wish).left_out}


def test_what_endangers_money_comes_first_whatever_the_goals_are() -> None:
    urgent, fee = make_unsynced(), make_fee(1, mean=1000.0)
    found = prioritise([fee, urgent], Wish(goals=(Goal.ROUTING_REVENUE,), max_actions=1))
    assert found.actions == (urgent,)
    assert found.left_out == ((fee, Passed.MAX_ACTIONS),)


def test_what_serves_the_goals_comes_before_what_gains_more() -> None:
    fee, rebalance = make_fee(1, mean=1000.0), make_rebalance(2, 3)
    assert prioritise([fee, rebalance], Wish(goals=(Goal.LIQUIDITY,))).actions == (rebalance, fee)
    assert why_not([fee, rebalance], Wish(goals=(Goal.LIQUIDITY,), max_actions=1)) == {fee.id: Passed.GOAL}


def test_the_choice_gains_most_together_within_the_budget() -> None:
    one = make_rebalance(1, 9, cost_sat=60, estimated_impact=Estimate(mean=10.0))
    two = make_rebalance(2, 9, cost_sat=50, estimated_impact=Estimate(mean=6.0))
    three = make_rebalance(3, 9, cost_sat=50, estimated_impact=Estimate(mean=6.0))
    found = prioritise([one, two, three], Wish(budget_sat=100))
    assert found.actions == (two, three)
    assert found.total_cost_sat == 100
    assert found.left_out == ((one, Passed.BUDGET),)


def test_under_a_budget_an_unknown_cost_is_too_much_and_without_one_the_sum_is_not_known() -> None:
    dear = make_advice(Kind.LIQUIDITY, Depleted(channel=name(1), **DEPLETED), cost_sat=None)
    assert why_not([dear], Wish(budget_sat=10**9)) == {dear.id: Passed.NO_PRICE}
    found = prioritise([dear, make_fee(2)], Wish())
    assert (len(found.actions), found.total_cost_sat) == (2, None)


def test_a_channel_that_is_closed_is_not_filled_emptied_or_priced() -> None:
    closing, target, source, fee, other = (
        make_closing(1, estimated_impact=Estimate(mean=10.0)), make_rebalance(1, 2), make_rebalance(3, 1), make_fee(1),
        make_fee(4),
    )  # fmt: skip
    found = prioritise([closing, target, source, fee, other], Wish())
    assert found.actions == (closing, other)
    assert {reason for _, reason in found.left_out} == {Passed.CONFLICT}
    assert found.conflicts[closing.id] == (target.id, source.id, fee.id)
    assert (found.expected.sat_per_day, found.expected.counted, found.expected.excluded) == (12.0, 2, 0)


def test_what_gains_more_together_rules_out_what_gains_less_whichever_is_ranked_first() -> None:
    closing, fee, target = make_closing(1), make_fee(1), make_rebalance(1, 2, cost_sat=0)
    for ranked in ([closing, fee, target], [fee, target, closing]):
        assert {one.id for one in prioritise(ranked, Wish()).actions} == {fee.id, target.id}
    assert prioritise([closing, fee], Wish(goals=(Goal.COST_OPTIMIZATION,))).actions == (closing,)


def test_what_has_no_number_is_not_added_beside_what_rules_it_out() -> None:
    closing = make_closing(1)
    depleted = make_advice(
        Kind.LIQUIDITY, Depleted(channel=name(1), **DEPLETED), cost_sat=0, estimated_impact=Estimate(low=0.0, high=9.0)
    )
    assert why_not([depleted, closing], Wish()) == {depleted.id: Passed.CONFLICT}


def test_what_loses_is_left_out() -> None:
    losing = make_rebalance(1, 2, cost_sat=10**6)
    assert why_not([losing], Wish()) == {losing.id: Passed.NO_GAIN}


def test_what_has_no_number_fills_the_room_that_is_left() -> None:
    backup = make_advice(
        Kind.BACKUP, Backup(opened=0, channels=1, newest_at=None, told_at=None), estimated_impact=Estimate()
    )
    fee = make_fee(1)
    assert prioritise([backup, fee], Wish()).actions == (fee, backup)
    assert why_not([backup, fee], Wish(max_actions=1)) == {backup.id: Passed.NO_DATA}


def test_one_transaction_for_several_openings_needs_the_openings() -> None:
    openings = [make_opening(pubkey_of(name)) for name in ("x", "y")]
    params = BatchOpening(
        pubkeys=tuple(one.subject for one in openings), saved_vbytes=110, saved_sat=110, sat_per_vbyte=1.0
    )
    batch = make_advice(Kind.COST, params, category=Category.COST, estimated_impact=Estimate(why_none="saves_once"))
    assert prioritise([*openings, batch], Wish()).actions == (*openings, batch)
    assert why_not([*openings, batch], Wish(budget_sat=300)) == {
        openings[1].id: Passed.BUDGET,
        batch.id: Passed.NEEDS_OPENINGS,
    }


@st.composite
def mixtures(draw: st.DrawFn) -> list[Advice]:
    means = st.none() | st.floats(-5, 50)
    costs = st.none() | st.integers(0, 500)
    return [
        draw(
            st.sampled_from([
                make_fee(number, mean=draw(means)),
                make_rebalance(number, number + 1, cost_sat=draw(costs)),
                make_closing(number, cost_sat=draw(costs)),
                make_opening(pubkey_of(str(number)), cost_sat=draw(costs)),
                make_unsynced(),
            ])
        )
        for number in range(draw(st.integers(0, 8)))
    ]


@given(mixtures(), st.lists(st.sampled_from(Goal), max_size=3), st.integers(1, 10), st.none() | st.integers(0, 1000))
def test_neither_budget_nor_number_is_exceeded_and_nothing_is_lost(
    advice: list[Advice], goals: list[Goal], max_actions: int, budget_sat: int | None
) -> None:
    wish = Wish(goals=tuple(goals), max_actions=max_actions, budget_sat=budget_sat)
    found = prioritise(advice, wish)
    assert len(found.actions) <= max_actions
    if budget_sat is not None:
        assert found.total_cost_sat is not None
        assert found.total_cost_sat <= budget_sat
    told = [one.id for one in found.actions] + [one.id for one, _ in found.left_out]
    assert sorted(told) == sorted(one.id for one in advice)
    chosen = {one.id for one in found.actions}
    assert all(chosen.isdisjoint(found.conflicts.get(one, ())) for one in chosen)
    assert found.expected.excluded == 0
    assert found.missed_at_most == 0.0


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_reason_has_words_and_a_beginner_is_told_most(language: Any) -> None:
    assert set(WORDS[language].passed) == set(Passed)
    assert len({tell_passed(reason, language) for reason in Passed}) == len(Passed)
    fee = make_fee(1)
    told = tell_action(fee, language, level="beginner").steps
    approved = tell_action(make_fee(1, action_id=uuid4()), language, level="beginner").steps
    assert WORDS[language].begin in told
    assert WORDS[language].begin not in approved
    counts = [len(tell_action(fee, language, level=level).steps) for level in ("beginner", "intermediate", "expert")]
    assert counts[0] > counts[1] > counts[2] == 1
