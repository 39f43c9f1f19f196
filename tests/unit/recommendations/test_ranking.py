"""The order of advice, costs, intervals, and how far data is trusted."""

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.engine.report import Forward
from recommendations.engine.advice import Estimate, Kind, Priority
from recommendations.engine.adviser import advise
from recommendations.engine.confidence import trust_history, trust_snapshot
from recommendations.engine.draft import Draft
from recommendations.engine.interval import measure_mean
from recommendations.engine.params import BatchOpening, BelowRefill, Depleted, NotSynced, OneSided
from recommendations.engine.ranking import measure_net, rank
from recommendations.engine.survey import total_traffic
from tests.factories import TAKEN_AT, make_forward, make_peer_policy, pubkey_of
from tests.unit.recommendations.builders import (
    make_candidate,
    make_dry,
    make_seller,
    make_survey,
    make_surveyed,
    make_traffic,
)

HOUR = dt.timedelta(hours=1)


def make_draft(subject: str, *, mean: float | None = None, cost: int | None = 0, effort: int = 10) -> Draft:
    return Draft(
        kind=Kind.LIQUIDITY,
        subject=subject,
        params=OneSided(side="inbound", local_sat=1, remote_sat=1, percent=50),
        estimate=Estimate(mean=mean, why_none=None if mean is not None else "unseen_demand"),
        effort=effort,
        cost_sat=cost,
        confidence=trust_snapshot(make_survey()),
        evidence=(),
    )


def test_net_sats_a_day_for_each_minute_decide_and_the_unknown_comes_last() -> None:
    drafts = [
        make_draft("unknown"),
        make_draft("slow", mean=10.0, effort=30),
        make_draft("quick", mean=10.0, effort=1),
        make_draft("dear", mean=10.0, cost=365 * 9, effort=1),
    ]
    assert [one.subject for one in rank(make_survey(), drafts)] == ["quick", "dear", "slow", "unknown"]


def test_a_cost_is_spread_over_the_days_the_gain_lasts_or_a_year() -> None:
    assert measure_net(make_draft("a", mean=10.0, cost=730)) == pytest.approx(8.0)
    assert measure_net(make_draft("a", mean=10.0, cost=None)) is None


@given(st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 10_000), st.integers(1, 60)), min_size=2, max_size=8))
def test_no_better_advice_stands_behind_a_worse_one(rows: list[tuple[float, int, int]]) -> None:
    drafts = [
        make_draft(str(number), mean=mean, cost=cost, effort=effort) for number, (mean, cost, effort) in enumerate(rows)
    ]
    values = [(measure_net(one) or 0.0) / one.effort for one in rank(make_survey(), drafts)]
    assert values == sorted(values, reverse=True)


def test_priority_is_by_the_share_of_what_the_node_earns() -> None:
    survey = make_survey(make_surveyed(1, make_seller()))  # 50 sat a day
    levels = {
        one.subject: one.priority for one in rank(survey, [make_draft(str(sat), mean=sat) for sat in (2.5, 0.5, 0.4)])
    }
    assert levels == {"2.5": Priority.HIGH, "0.5": Priority.MEDIUM, "0.4": Priority.LOW}


def test_confidence_is_that_of_the_weakest_ground() -> None:
    survey = make_survey(days=15)
    trusted = trust_history(survey, forwards=90)
    assert trusted.value == 0.5
    assert {one.name: one.share for one in trusted.grounds} == {
        "history_days": 0.5,
        "forwards": 0.9,
        "snapshot_age_hours": 1.0,
    }


@given(st.lists(st.integers(-(10**12), 10**12), min_size=7, max_size=90))
def test_the_mean_lies_in_its_interval(daily: list[int]) -> None:
    interval = measure_mean(daily)
    assert interval is not None
    assert interval.low <= interval.mean <= interval.high
    assert math.isclose(interval.mean, math.fsum(daily) / len(daily))


def test_a_week_is_the_least_an_interval_stands_on() -> None:
    assert measure_mean([1] * 6) is None


@given(
    st.lists(st.tuples(st.integers(0, 40 * 24), st.sampled_from(["settled", "failed", "local_failed"])), max_size=30)
)
def test_days_of_traffic_add_up_to_its_sums(rows: list[tuple[int, str]]) -> None:
    forwards: list[Forward] = [
        make_forward(number, settled_at=TAKEN_AT - hours * HOUR, status=status)
        for number, (hours, status) in enumerate(rows)
    ]
    for traffic in total_traffic(forwards, until=TAKEN_AT, days=30).values():
        assert sum(traffic.daily_net_msat) == traffic.out_msat - traffic.in_msat
        assert sum(traffic.daily_earned_msat) == traffic.earned_msat


def test_a_channel_that_refused_payments_is_told_with_what_that_cost_at_most() -> None:
    refused = make_traffic(failed=4, missed_msat=60_000_000)
    survey = make_survey(make_surveyed(1, refused, local_balance_sat=100_000, remote_balance_sat=4_890_000))
    [told] = [one for one in advise(survey).advice if isinstance(one.params, Depleted)]
    assert (told.estimated_impact.low, told.estimated_impact.mean, told.estimated_impact.high) == (0.0, None, 2000.0)


def test_a_node_without_inbound_is_told_so() -> None:
    survey = make_survey(make_surveyed(1, local_balance_sat=4_900_000, remote_balance_sat=90_000))
    [told] = [one for one in advise(survey).advice if isinstance(one.params, OneSided)]
    assert isinstance(told.params, OneSided)
    assert (told.params.side, told.params.percent) == ("inbound", 2)


def test_sats_sold_below_what_their_return_costs_are_told() -> None:
    cheap = make_dry(1, peer_policy=make_peer_policy(fee_rate_ppm=800))
    [told] = [one for one in advise(make_survey(cheap)).advice if isinstance(one.params, BelowRefill)]
    assert isinstance(told.params, BelowRefill)
    assert (told.params.earns_ppm, told.params.refill_ppm) == (500, 800)
    assert told.estimated_impact.high == pytest.approx(100_000 * 300 / 1e6)


def test_several_openings_are_told_to_go_in_one_transaction() -> None:
    strangers = tuple(
        make_candidate(pubkey=pubkey_of(name), channel_count=10, capacity_sat=10_000_000, betweenness_rank=5)
        for name in ("x", "y")
    )
    [told] = [
        one
        for one in advise(make_survey(make_surveyed(1), candidates=strangers)).advice
        if isinstance(one.params, BatchOpening)
    ]
    assert isinstance(told.params, BatchOpening)
    assert told.params.saved_sat == 550
    assert told.command is not None
    assert told.command.startswith("lncli batchopenchannel --sat_per_vbyte=5 '[{")


def test_a_node_that_is_behind_the_chain_is_told_first() -> None:
    survey = make_survey(make_surveyed(1, active=False), is_synced=False)
    assert isinstance(advise(survey).advice[0].params, NotSynced)
