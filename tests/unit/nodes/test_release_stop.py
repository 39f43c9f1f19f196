"""What stops a release, what lets it grow, and how sure the comparison of revenue is."""

import datetime as dt
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.engine.release.revenue import Comparison, DayPair, compare_groups, sum_by_day
from nodes.engine.release.settings import ReleaseSettings, StopRules
from nodes.engine.release.stop import Evidence, RuleVerdict, choose_move, judge_release
from nodes.engine.release.student import find_t_quantile
from tests.factories import make_forward

RULES = StopRules()
DAY = dt.date(2026, 11, 1)
GROUPS = {"800000x1x0": "canary", "800000x2x0": "hold_out"}


def make_days(canary: list[int], hold_out: list[int]) -> list[DayPair]:
    return [DayPair(one, other) for one, other in zip(canary, hold_out, strict=True)]


def compare(before: list[DayPair], after: list[DayPair]) -> Comparison:
    comparison = compare_groups(before, after, confidence_percent=95)
    assert comparison is not None
    return comparison


def make_evidence(**changes: object) -> Evidence:
    even = make_days([100] * 7, [50] * 7)
    calm = Evidence(
        revenue=compare(even, even),
        costs_known=False,
        confirmed=20,
        failed=0,
        channels=10,
        changed_by_owner=0,
        newly_depleted=0,
    )
    return msgspec.structs.replace(calm, **changes)


def find_verdicts(evidence: Evidence, rules: StopRules = RULES) -> dict[str, RuleVerdict]:
    return {verdict.rule: verdict for verdict in judge_release(evidence, rules)}


@pytest.mark.parametrize(
    ("tail", "degrees", "expected"),
    [(0.05, 1, 12.706), (0.05, 2, 4.303), (0.05, 4, 2.776), (0.05, 12, 2.179), (0.05, 1000, 1.962), (0.01, 10, 3.169)],
)
def test_quantiles_of_t_are_those_of_the_tables(tail: float, degrees: float, expected: float) -> None:
    assert find_t_quantile(tail, degrees) == pytest.approx(expected, abs=6e-4)


def test_a_loss_shared_by_both_groups_is_none() -> None:
    comparison = compare(make_days([100, 110, 90], [10, 11, 9]), make_days([50, 55, 45], [5, 5, 5]))
    assert comparison.change_percent == pytest.approx(0, abs=1e-9)


def test_the_interval_is_that_of_welch_on_known_days() -> None:
    """The hold-out earns 100 each day, so the pairs are the canary's days: R's t.test gives the same interval."""
    comparison = compare(make_days([80, 100, 120, 100], [100] * 4), make_days([60, 80, 70, 50], [100] * 4))
    assert comparison.change_percent == pytest.approx(-35)
    # After: mean .65, variance 1/60. Before, times .65: variance .0112667. Welch: 5.79 degrees, t = 2.4688.
    assert (comparison.low_percent, comparison.high_percent) == pytest.approx((-55.63, -14.37), abs=0.02)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (make_days([100, 100], [50, 50]), make_days([100] * 7, [50] * 7)),
        (make_days([100] * 7, [50] * 7), make_days([100, 100], [50, 50])),
        (make_days([100] * 7, [0] * 7), make_days([100] * 7, [50] * 7)),
        (make_days([0] * 7, [50] * 7), make_days([100] * 7, [50] * 7)),
        (make_days([100] * 7, [50] * 7), make_days([0] * 7, [0] * 7)),
        ([], []),
    ],
)
def test_where_there_is_nothing_to_compare_it_says_no_data(before: list[DayPair], after: list[DayPair]) -> None:
    assert compare_groups(before, after, confidence_percent=95) is None
    verdict = find_verdicts(make_evidence(revenue=None))["net_revenue"]
    assert (verdict.finding, verdict.value_percent) == ("no data", None)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Busy days, quiet days and a weather both groups share; the truth is that nothing changed."""
    chance = random.Random(7)  # noqa: S311 - seeded on purpose

    def draw(count: int) -> list[DayPair]:
        weather = [chance.lognormvariate(0, 0.4) for _ in range(count)]
        return [
            DayPair(int(9e5 * w * chance.lognormvariate(0, 0.5)), int(2e5 * w * chance.lognormvariate(0, 0.5)))
            for w in weather
        ]

    found = [compare(draw(10), draw(10)) for _ in range(400)]
    held = sum(comparison.low_percent <= 0 <= comparison.high_percent for comparison in found)
    assert held >= 0.92 * len(found)


@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 10**9)), min_size=3, max_size=20),
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 10**9)), min_size=3, max_size=20),
    st.integers(2, 1000),
)
def test_the_size_of_a_group_changes_nothing(
    before: list[tuple[int, int]], after: list[tuple[int, int]], factor: int
) -> None:
    plain = compare([DayPair(*pair) for pair in before], [DayPair(*pair) for pair in after])
    larger = compare([DayPair(a * factor, b) for a, b in before], [DayPair(a * factor, b) for a, b in after])
    assert larger.change_percent == pytest.approx(plain.change_percent, rel=1e-6, abs=2e-3)
    assert plain.low_percent <= plain.change_percent <= plain.high_percent


def test_revenue_is_summed_by_group_and_utc_day_net_of_what_rebalancing_cost() -> None:
    day = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    east = dt.timezone(dt.timedelta(hours=5))
    forwards = [
        make_forward(1, settled_at=day, fee_msat=15_000),
        make_forward(2, settled_at=(day + dt.timedelta(hours=23)).astimezone(east)),
        make_forward(3, settled_at=day + dt.timedelta(days=1), outgoing_scid="800000x2x0"),
        make_forward(4, settled_at=day, status="failed"),
        make_forward(5, settled_at=day, outgoing_scid="800000x3x0"),
        make_forward(6, settled_at=day + dt.timedelta(days=5)),
    ]
    days = [DAY, DAY + dt.timedelta(days=1), DAY + dt.timedelta(days=2)]
    assert sum_by_day(forwards, GROUPS, days=days) == [DayPair(30_000, 0), DayPair(0, 15_000), DayPair(0, 0)]
    costs = {("800000x1x0", days[0]): 7_000, ("800000x3x0", days[0]): 9_000}
    assert sum_by_day(forwards, GROUPS, days=days, costs_msat=costs)[0] == DayPair(23_000, 0)


def test_a_loss_past_the_threshold_and_beyond_doubt_stops() -> None:
    before = make_days([100, 101, 99] * 3, [50, 51, 49] * 3)
    deep = compare(before, make_days([70, 71, 69] * 3, [50, 51, 49] * 3))
    verdict = find_verdicts(make_evidence(revenue=deep))["net_revenue"]
    assert (verdict.finding, verdict.value_percent) == ("stop", pytest.approx(-30))
    shallow = compare(before, make_days([90, 91, 89] * 3, [50, 51, 49] * 3))
    assert find_verdicts(make_evidence(revenue=shallow))["net_revenue"].finding == "silent"


def test_a_large_loss_that_may_be_chance_does_not_stop() -> None:
    wild = compare(make_days([10, 400, 30], [100, 20, 90]), make_days([5, 200, 10], [90, 100, 20]))
    assert wild.change_percent < -RULES.max_loss_percent < 0 < wild.high_percent
    assert find_verdicts(make_evidence(revenue=wild))["net_revenue"].finding == "silent"


@pytest.mark.parametrize(
    ("rule", "changes", "finding"),
    [
        ("failed_actions", {"failed": 5, "confirmed": 15}, "silent"),
        ("failed_actions", {"failed": 6, "confirmed": 15}, "stop"),
        ("failed_actions", {"failed": 4, "confirmed": 0}, "no data"),
        ("manual_changes", {"changed_by_owner": 3}, "silent"),
        ("manual_changes", {"changed_by_owner": 4}, "stop"),
        ("manual_changes", {"channels": 0}, "no data"),
        ("depleted_channels", {"newly_depleted": 5}, "silent"),
        ("depleted_channels", {"newly_depleted": 6}, "stop"),
        ("depleted_channels", {"newly_depleted": 1, "channels": 1}, "silent"),
    ],
)
def test_each_rule_stops_past_its_threshold_only(rule: str, changes: dict[str, int], finding: str) -> None:
    assert find_verdicts(make_evidence(**changes))[rule].finding == finding


def test_every_rule_is_judged_by_the_owners_threshold() -> None:
    strict = StopRules(max_failed_percent=1, max_manual_percent=1, max_depleted_percent=1)
    verdicts = find_verdicts(make_evidence(failed=1, changed_by_owner=1, newly_depleted=2), strict)
    assert [verdict.rule for verdict in verdicts.values() if verdict.finding == "stop"] == [
        "failed_actions", "manual_changes", "depleted_channels"
    ]  # fmt: skip


BY_RULE = ReleaseSettings(promotion="rule", min_days_per_step=7)


@pytest.mark.parametrize(
    ("evidence", "settings", "days", "is_blocked", "move"),
    [
        (make_evidence(), BY_RULE, 7, False, "grow"),
        (make_evidence(), BY_RULE, 6.9, False, "stay"),
        (make_evidence(), BY_RULE, 70, True, "stay"),
        (make_evidence(), ReleaseSettings(), 70, False, "stay"),
        (make_evidence(revenue=None), BY_RULE, 70, False, "stay"),
        (make_evidence(confirmed=0), BY_RULE, 70, False, "stay"),
        (make_evidence(changed_by_owner=9), BY_RULE, 70, False, "stop"),
        (make_evidence(changed_by_owner=9, revenue=None), ReleaseSettings(), 0, True, "stop"),
    ],
)
def test_a_step_grows_by_rule_only_where_every_rule_has_data_and_is_silent(
    evidence: Evidence, settings: ReleaseSettings, days: float, is_blocked: bool, move: str
) -> None:
    verdicts = judge_release(evidence, RULES)
    assert choose_move(verdicts, settings=settings, days_on_step=days, is_blocked=is_blocked) == move
