import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.engine.history import WrittenPolicy, begin_history, extend_history
from nodes.engine.in_force import has_same_terms
from nodes.engine.policy_change import KEPT_CHANGES, PolicyChange, keep_change, list_differences
from nodes.engine.report import ChannelPolicy
from tests.unit.nodes.guards.cases import NOW, POLICY, histories, make_change, make_policy, policies

HOUR = dt.timedelta(hours=1)
BETWEEN = (NOW - HOUR, NOW)
quick = settings(max_examples=100)


def find_author(after: ChannelPolicy, *written: ChannelPolicy) -> str:
    ours = [WrittenPolicy(policy=policy, expected_policy=POLICY, expected_loss_msat=9) for policy in written]
    return extend_history([], POLICY, after=after, between=BETWEEN, written=ours)[-1].by


@pytest.mark.parametrize(
    ("after", "written", "by"),
    [
        (make_policy(fee_rate_ppm=700), [], "owner"),
        (make_policy(fee_rate_ppm=700), [make_policy(fee_rate_ppm=700)], "engine"),
        (make_policy(fee_rate_ppm=700), [make_policy(fee_rate_ppm=701)], "owner"),
        (make_policy(fee_rate_ppm=700, last_update=5), [make_policy(fee_rate_ppm=700)], "engine"),
        (make_policy(fee_rate_ppm=700, base_fee_msat=0), [make_policy(fee_rate_ppm=700)], "owner"),
        (make_policy(max_htlc_msat=5_000), [], "owner"),
        (make_policy(disabled=True), [], "node"),
        (make_policy(last_update=5), [make_policy(fee_rate_ppm=700)], "node"),
        (make_policy(disabled=True), [make_policy(disabled=True)], "engine"),
        (make_policy(disabled=True, fee_rate_ppm=700), [make_policy(fee_rate_ppm=700)], "engine"),
    ],
)
def test_a_change_is_ours_when_an_action_wrote_it_and_the_nodes_when_it_only_switches(
    after: ChannelPolicy, written: list[ChannelPolicy], by: str
) -> None:
    assert find_author(after, *written) == by


def test_what_our_change_may_cost_is_kept_with_it() -> None:
    ours = WrittenPolicy(policy=make_policy(fee_rate_ppm=700), expected_policy=POLICY, expected_loss_msat=4_000)
    [change] = extend_history([], POLICY, after=ours.policy, between=BETWEEN, written=[ours])

    assert change == PolicyChange(
        at=NOW,
        by="engine",
        old_fee_rate_ppm=800,
        new_fee_rate_ppm=700,
        old_inbound_fee_rate_ppm=0,
        new_inbound_fee_rate_ppm=0,
        expected_loss_msat=4_000,
    )


@pytest.mark.parametrize(
    ("announced_at", "at"),
    [
        (NOW - HOUR / 2, NOW - HOUR / 2),
        (NOW - 3 * HOUR, NOW - HOUR),  # the clock that announces may be another
        (NOW + HOUR, NOW),
        (None, NOW),
    ],
)
def test_a_change_is_dated_by_its_announcement_between_the_two_reports(
    announced_at: dt.datetime | None, at: dt.datetime
) -> None:
    after = make_policy(fee_rate_ppm=1, last_update=int(announced_at.timestamp()) if announced_at else None)

    assert extend_history([], POLICY, after=after, between=BETWEEN)[-1].at == at


def test_of_a_channel_first_seen_only_the_time_of_its_last_change_is_known() -> None:
    [change] = begin_history(make_policy(last_update=1_700_000_000), seen_at=NOW)

    assert (change.by, change.at.timestamp(), change.old_fee_rate_ppm) == ("unknown", 1_700_000_000, None)
    assert begin_history(POLICY, seen_at=NOW) == begin_history(None, seen_at=NOW) == []
    assert begin_history(make_policy(last_update=2**32 - 1), seen_at=NOW)[0].at == NOW


@quick
@given(histories(), policies, policies)
def test_a_history_grows_by_one_exactly_when_something_was_announced(
    changes: list[PolicyChange], before: ChannelPolicy, after: ChannelPolicy
) -> None:
    extended = extend_history(changes, before, after=after, between=BETWEEN)

    assert extended[: len(changes)] == changes
    assert len(extended) == len(changes) + (before != after)


@quick
@given(st.integers(0, 200))
def test_the_last_changes_are_kept_and_no_more(count: int) -> None:
    changes: list[PolicyChange] = []
    for index in range(count):
        changes = keep_change(changes, make_change(dt.timedelta(0), new_ppm=index))

    assert [change.new_fee_rate_ppm for change in changes] == list(range(count))[-KEPT_CHANGES:]


@quick
@given(policies, policies)
def test_two_policies_are_the_same_exactly_when_no_field_of_an_owner_differs(
    one: ChannelPolicy, other: ChannelPolicy
) -> None:
    assert has_same_terms(one, other) == (not list_differences(one, other))
