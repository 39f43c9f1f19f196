"""What a snapshot proves about an action."""

import datetime as dt

import pytest

from nodes.engine.in_force import CLOCK_LEEWAY, Handed, Verdict, has_same_terms, is_in_force, judge_open, judge_sent
from nodes.engine.report import ChannelPolicy
from tests.factories import make_policy

NOW = dt.datetime(2026, 11, 1, 12, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
BEFORE, WANTED, OTHER = make_policy(), make_policy(fee_rate_ppm=250), make_policy(fee_rate_ppm=777)


def hand(*, policy: ChannelPolicy = WANTED, reported_at: dt.datetime | None = None) -> Handed:
    return Handed(
        policy=policy,
        wanted=WANTED,
        expected_policy=BEFORE,
        sent_at=NOW - HOUR,
        expires_at=NOW + HOUR,
        reported_at=reported_at,
    )


def judge(present: ChannelPolicy | None, *, reported_at: dt.datetime | None = None, taken_at: dt.datetime = NOW) -> str:
    verdict = judge_sent(hand(reported_at=reported_at), present=present, is_listed=True, taken_at=taken_at)
    return verdict.state if verdict else "waits"


@pytest.mark.parametrize(
    "change",
    [
        {"base_fee_msat": 1},
        {"fee_rate_ppm": 1},
        {"time_lock_delta": 41},
        {"min_htlc_msat": 1},
        {"max_htlc_msat": 4_000_000_000},
        {"inbound_base_fee_msat": -1},
        {"inbound_fee_rate_ppm": -1},
    ],
)
def test_every_field_that_is_written_counts(change: dict[str, int]) -> None:
    assert not has_same_terms(make_policy(), make_policy(**change))


def test_what_the_node_changes_by_itself_does_not_count() -> None:
    assert has_same_terms(make_policy(), make_policy(disabled=True, last_update=7))
    assert is_in_force(WANTED, before=BEFORE, present=make_policy(fee_rate_ppm=250, disabled=True))


def test_disabling_is_in_force_once_the_channel_is_disabled() -> None:
    wanted = make_policy(disabled=True)
    assert not is_in_force(wanted, before=BEFORE, present=make_policy())
    assert is_in_force(wanted, before=BEFORE, present=make_policy(disabled=True))


def test_the_wanted_policy_is_proof_whether_the_box_reported_or_not() -> None:
    assert judge(WANTED) == judge(WANTED, reported_at=NOW) == "confirmed"


def test_a_policy_of_somebody_else_ends_it() -> None:
    assert judge(OTHER) == judge(OTHER, reported_at=NOW) == "superseded"


def test_what_was_not_written_in_time_is_expired_and_before_that_waited_for() -> None:
    assert judge(BEFORE, taken_at=NOW + HOUR + CLOCK_LEEWAY) == "waits"
    assert judge(BEFORE, taken_at=NOW + HOUR + 2 * CLOCK_LEEWAY) == "expired"


def test_a_report_that_later_snapshots_contradict_is_a_failure() -> None:
    assert judge(BEFORE, reported_at=NOW, taken_at=NOW + CLOCK_LEEWAY) == "waits"
    assert judge(BEFORE, reported_at=NOW, taken_at=NOW + 2 * CLOCK_LEEWAY) == "failed"


def test_a_policy_that_is_not_known_proves_nothing() -> None:
    assert judge(None) == "waits"
    assert judge_open(WANTED, expected=BEFORE, present=None, is_listed=True) is None


def test_a_channel_that_is_gone_ends_it() -> None:
    gone = Verdict("superseded", "the node does not list the channel any more")
    assert judge_sent(hand(), present=None, is_listed=False, taken_at=NOW + HOUR + 2 * CLOCK_LEEWAY) == gone
    assert judge_sent(hand(), present=None, is_listed=False, taken_at=NOW) is None  # it may come back
    assert judge_open(WANTED, expected=BEFORE, present=None, is_listed=False) == gone


@pytest.mark.parametrize(("present", "is_over"), [(BEFORE, False), (WANTED, True), (OTHER, True)])
def test_an_open_action_needs_the_policy_it_was_decided_over(present: ChannelPolicy, is_over: bool) -> None:
    verdict = judge_open(WANTED, expected=BEFORE, present=present, is_listed=True)
    assert (verdict is not None) == is_over


@pytest.mark.parametrize("present", [BEFORE, WANTED, OTHER])
def test_a_reading_from_before_the_hand_over_proves_nothing(present: ChannelPolicy) -> None:
    assert judge(present, taken_at=NOW - HOUR) == "waits"


def test_the_wanted_policy_is_proof_whatever_the_box_says_was_made_of_it() -> None:
    handed = hand(policy=make_policy(fee_rate_ppm=250, max_htlc_msat=7000), reported_at=NOW)
    verdict = judge_sent(handed, present=WANTED, is_listed=True, taken_at=NOW)
    assert verdict is not None
    assert verdict.state == "confirmed"
