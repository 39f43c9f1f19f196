"""Paired differences, what they allow to claim, and the report."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from nodes.simulator.closed_loop.chart import draw_dots, draw_lines
from nodes.simulator.closed_loop.comparison import bootstrap, compare, compare_all, find_claim
from nodes.simulator.closed_loop.contender import ContenderError, find_contender
from nodes.simulator.closed_loop.outcome import ONCHAIN_SAT_PER_CHANNEL_DAY, ChannelOutcome, Day, Outcome
from nodes.simulator.closed_loop.realism import check_realism, judge_realism
from nodes.simulator.closed_loop.report import weigh_outcomes, write_html, write_markdown


def make_outcome(policy: str, *, pubkey: str = "aa", seed: int = 1, earned_sat: int = 100) -> Outcome:
    day = Day(
        earned_msat=earned_sat * 1000,
        rebalance_msat=10_000,
        forwarded_msat=10**9,
        settled=5,
        failed=20,
        local_failed=6,
        tried=50,
        passed=9,
        changes=1,
        depleted_share=0.25,
        local_share=0.5,
    )
    channel = ChannelOutcome(earned_msat=1, forwarded_msat=1, local_share=0.5, fee_rate_ppm=200)
    return Outcome(
        policy=policy,
        pubkey=pubkey,
        seed=seed,
        competitors="frozen",
        days=[day] * 3,
        channels={"1x1x1": channel},
        amounts_sat=[20_000],
        effective_ppm=[200],
    )


def make_field(**earned: int) -> list[Outcome]:
    return [
        make_outcome(policy.replace("_", "-"), pubkey=pubkey, seed=seed, earned_sat=sat + seed)
        for policy, sat in earned.items()
        for pubkey in ("aa", "bb")
        for seed in range(5)
    ]


def test_net_is_fees_less_rebalancing_less_the_share_of_onchain_fees() -> None:
    assert make_outcome("as-is").net_sat_per_day == pytest.approx(100 - 10 - ONCHAIN_SAT_PER_CHANNEL_DAY)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_the_interval_holds_the_mean_and_stays_inside_the_values(values: list[float]) -> None:
    interval = bootstrap(values)
    assert min(values) - 1e-6 <= interval.low <= interval.high <= max(values) + 1e-6
    assert interval == bootstrap(values)


def test_pairs_are_the_nodes_and_seeds_both_have_met() -> None:
    outcomes = [*make_field(as_is=100, marginal=130), make_outcome("marginal", pubkey="cc")]
    difference = compare(outcomes, "marginal", baseline="as-is")
    assert difference is not None
    assert (difference.pairs, difference.wins) == (10, 10)
    assert difference.interval.mean == pytest.approx(30)
    assert compare(outcomes, "marginal", baseline="daily") is None


def test_nothing_is_claimed_unless_all_three_baselines_are_beaten_in_a_real_world() -> None:
    names = ["as-is", "proportional", "daily", "marginal"]
    ahead = compare_all(make_field(as_is=100, proportional=90, daily=80, marginal=130), names)
    behind = compare_all(make_field(as_is=100, proportional=90, daily=150, marginal=130), names)
    assert find_claim(ahead, "marginal", is_real=True).startswith("marginal earns more than")
    assert "realism gate is not passed" in find_claim(ahead, "marginal", is_real=False)
    assert "no claim, an interval against daily" in find_claim(behind, "marginal", is_real=True)
    assert "not compared with as-is, proportional, daily" in find_claim([], "marginal", is_real=True)


def test_a_claim_needs_the_interval_of_whole_nodes_too() -> None:
    """Many seeds of few nodes make the interval of pairs narrow, whatever the nodes say."""
    field = make_field(as_is=100, proportional=90, daily=80, marginal=130)
    names = ["as-is", "proportional", "daily", "marginal"]
    found = [
        replace(one, by_node=replace(one.by_node, low=-1.0)) if one.baseline == "daily" else one
        for one in compare_all(field, names)
    ]
    assert "no claim, an interval against daily" in find_claim(found, "marginal", is_real=True)
    assert "has no data" in find_claim(found, "marginal", is_real=None)


def test_our_own_policy_is_set_beside_every_other() -> None:
    found = compare_all(make_field(as_is=100, daily=80, lndg=90, marginal=130), ["as-is", "daily", "lndg", "marginal"])
    assert [one.baseline for one in found if one.policy == "marginal"] == ["as-is", "daily", "lndg"]
    assert [one.baseline for one in found if one.policy == "daily"] == ["as-is"]


def test_charts_have_axes_with_units_and_leave_as_is_stays_visible() -> None:
    lines = draw_lines({"as-is": [1, 2, 3], "lndg": [1, 2, 3]}, title="Fees", unit="sat a day")
    assert ">day<" in lines
    assert ">sat a day<" in lines
    assert lines.rindex("stroke-dasharray") > lines.rindex('stroke="#d55e00"')
    dots = draw_dots({"lndg": [-1, 4]}, title="Nodes", unit="sat a day")
    assert 'class="axis"' in dots


def test_a_policy_that_changed_nothing_is_pointed_out() -> None:
    idle = [replace(one, days=[replace(day, changes=0) for day in one.days]) for one in make_field(lndg=100)]
    findings = weigh_outcomes([*make_field(as_is=100), *idle], ["as-is", "lndg"], title="t", setting=[])
    assert any("warning, lndg changed no fee" in claim for claim in findings.claims)


def test_a_gate_without_data_is_not_passed() -> None:
    checks = check_realism(make_field(as_is=100))
    assert all(check.measured is None and not check.is_passed for check in checks)
    assert {check.verdict for check in checks} == {"no data"}
    assert judge_realism(checks) is None


def test_the_report_says_no_claim_and_stands_alone() -> None:
    findings = weigh_outcomes(
        make_field(as_is=100, marginal=130), ["as-is", "marginal"], title="A <test>", setting=["two nodes"]
    )
    markdown, html = write_markdown(findings), write_html(findings)
    assert "marginal: no claim" in markdown
    assert "no data" in markdown
    assert html.count("<svg") == 6
    assert "A &lt;test&gt;" in html
    assert re.findall(r"(?:src|href)=", html) == []


def test_a_policy_nobody_knows_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ContenderError, match="neither a file nor one of as-is, lnd-default"):
        find_contender("profit")
