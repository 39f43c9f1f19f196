"""The life of an action: every step once, by the table, with a line in the journal."""

import datetime as dt
import itertools
from typing import Any

import msgspec
import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from mcp_saas.kit.errors import Problem
from nodes.engine.report import ChannelPolicy
from nodes.models.action import IN_FLIGHT_STATES, OPEN_STATES, TRANSITIONS, Action, ActionState
from nodes.pipeline.action import TransitionError, approve_action, expire_actions, move_action, reject_action
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.handover import LEASE, hand_over
from nodes.pipeline.ingest import accept_snapshot
from nodes.pipeline.rollback import roll_back_action
from nodes.selectors.action import list_actions
from nodes.tasks import expire_late_actions
from tenants.provisioning.transfer import TransferTerms, transfer_dazbox
from tenants.tasks import SHARES
from tests.db.nodes.acting import inside, journal, planned, report, run_again, show, state_of, write
from tests.factories import TAKEN_AT, Box, make_policy, make_snapshot

OTHER = make_policy(fee_rate_ppm=4321)


def approved() -> Action:
    return approve_action(planned()[0], actor="test")


def sent() -> Action:
    action = approved()
    assert [one.id for one in hand_over("box")] == [action.id]
    return action


def test_an_action_lives_from_planned_to_confirmed_with_a_line_for_each_step(alice: Box) -> None:
    with inside(alice):
        action = write(alice, planned()[0])
        assert [line.split(", is now ")[-1].split(":")[0] for line in journal()] == [
            "approved",
            "sent",
            "confirmed",
            "Fee of 800000x1x0, confirmed, is verified",
        ]
        assert action.settled_at is not None
        assert action.sent_at is not None
        assert action.reported_at is not None


@pytest.mark.parametrize("to", ActionState)
@pytest.mark.parametrize("before", ActionState)
def test_only_the_steps_of_the_table_are_taken(alice: Box, before: ActionState, to: ActionState) -> None:
    with inside(alice):
        action = planned()[0]
        Action.objects.filter(id=action.id).update(state=before)
        action.refresh_from_db()
        if to in TRANSITIONS[before]:
            assert move_action(action, to, reason="test")
            assert state_of(action) == to
        else:
            with pytest.raises(TransitionError):
                move_action(action, to, reason="test")
            assert state_of(action) == before


def test_of_two_who_move_an_action_one_does(alice: Box) -> None:
    with inside(alice):
        first, second = planned()[0], planned()[0]
        assert move_action(first, ActionState.APPROVED, reason="first")
        assert not move_action(second, ActionState.REJECTED, reason="second")
        assert state_of(second) == "approved"
        assert len(journal()) == 1


def test_a_success_is_confirmed_and_waits_inside_for_the_snapshot_that_verifies_it(alice: Box) -> None:
    with inside(alice):
        action = report(sent())
        assert (action.public_state, action.verified_at, state_of(action)) == ("confirmed", None, "sent")
        show(alice, (action, action.policy))
        assert state_of(action) == action.public_state == "confirmed"
        assert action.verified_at == action.settled_at is not None


@pytest.mark.parametrize(
    ("present", "state", "reason"),
    [
        (None, "failed", "reported as written, but the node shows the policy from before"),
        (OTHER, "superseded", "the snapshot shows a policy that is neither ours nor the one before"),
    ],
)
def test_what_was_confirmed_ends_otherwise_when_a_snapshot_contradicts(
    alice: Box, present: ChannelPolicy | None, state: str, reason: str
) -> None:
    with inside(alice):
        action = report(sent())
        Action.objects.filter(id=action.id).update(sent_at=TAKEN_AT, reported_at=TAKEN_AT)
        show(alice, (action, present or action.expected_policy), taken_at=timezone.now())
        assert state_of(action) == action.public_state == state
        assert action.verified_at is None
        assert journal()[-1] == f"Fee of {action.short_channel_id}, confirmed, is now {state}: {reason}"


def test_a_public_state_finds_the_actions_that_are_told_to_be_in_it(alice: Box) -> None:
    with inside(alice):
        action = planned()[0]
        for state, reported_at in itertools.product(ActionState, (TAKEN_AT, None)):
            Action.objects.filter(id=action.id).update(state=state, reported_at=reported_at)
            action.refresh_from_db()
            assert [one for one in ActionState if action in list_actions(one)] == [action.public_state]
            assert action.public_state == ("confirmed" if state == "sent" and reported_at else state)


def test_nothing_is_taken_back_before_a_snapshot_has_verified_it(alice: Box) -> None:
    with inside(alice):
        action = report(sent())
        with pytest.raises(Problem, match="The action is confirmed: only what a snapshot has verified"):
            roll_back_action(action, actor="owner")


def test_a_snapshot_confirms_what_the_box_never_reported(alice: Box) -> None:
    with inside(alice):
        action = sent()
        show(alice, (action, action.policy))
        assert state_of(action) == "confirmed"


def test_a_result_again_changes_nothing(alice: Box) -> None:
    with inside(alice):
        action = report(sent())
        first = action.reported_at
        assert report(action).reported_at == first
        report(action, success=False, error="late")
        assert state_of(action) == "sent"
        show(alice, (action, action.policy))
        report(action, success=False, error="later")
        assert state_of(action) == "confirmed"


def test_a_refusal_of_the_node_is_a_failure_and_another_policy_supersedes(alice: Box) -> None:
    with inside(alice):
        failed = report(sent(), success=False, error="UPDATE_FAILURE_INVALID_PARAMETER", applied=make_policy())
        assert failed.state == "failed"
        assert failed.outcome is not None
        assert failed.outcome.error == "UPDATE_FAILURE_INVALID_PARAMETER"
        approve_action(planned()[0], actor="test")
        [action] = hand_over("box")
        assert report(action, success=False, error="changed", applied=OTHER).state == "superseded"


def test_the_nodes_policy_counts_more_than_the_word_success(alice: Box) -> None:
    with inside(alice):
        action = report(sent(), applied=OTHER)
        assert action.state == "failed"


def test_what_was_not_approved_has_no_result(alice: Box) -> None:
    with inside(alice):
        action = planned()[0]
        with pytest.raises(Problem, match="not approved"):
            report(action)
        assert state_of(action) == "planned"


def test_a_box_that_only_read_an_approved_action_may_report_that_it_wrote_it(alice: Box) -> None:
    with inside(alice):
        action = report(approved())
        assert (action.state, action.reported_at is not None) == ("sent", True)
        assert hand_over("another") == []
        show(alice, (action, action.policy))
        assert state_of(action) == "confirmed"


def test_an_action_has_one_holder_while_its_lease_runs(alice: Box) -> None:
    with inside(alice):
        now = timezone.now()
        action = approved()
        assert [one.id for one in hand_over("first", now=now)] == [action.id]
        assert hand_over("second", now=now + LEASE / 2) == []
        assert [one.id for one in hand_over("first", now=now + LEASE / 2)] == [action.id]  # it crashed and asks again
        later = now + LEASE * 2
        assert [one.id for one in hand_over("second", now=later)] == [action.id]
        assert hand_over("first", now=later) == []
        report(action)
        assert hand_over("second", now=later + LEASE) == []


def test_what_is_late_expires_and_is_given_to_nobody(alice: Box) -> None:
    with inside(alice):
        action = approved()
        Action.objects.update(expires_at=timezone.now())
        assert hand_over("box") == []
        assert state_of(action) == "expired"
        assert {one.state for one in Action.objects.all()} == {"expired"}
        with pytest.raises(Problem, match="expired"):
            approve_action(action, actor="test")


def test_what_the_box_has_is_not_expired_before_a_snapshot_proves_it(alice: Box) -> None:
    with inside(alice):
        action = sent()
        Action.objects.filter(id=action.id).update(sent_at=TAKEN_AT, expires_at=TAKEN_AT)
        assert expire_actions(timezone.now()) == 0
        assert hand_over("box") == []
        assert state_of(action) == "sent"
        show(alice, taken_at=TAKEN_AT + dt.timedelta(hours=1))
        assert state_of(action) == "expired"


def test_each_box_is_swept_within_the_hour(alice: Box, bob: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = [timezone.now() + dt.timedelta(days=2, minutes=5 * turn) for turn in range(SHARES)]
    for moment in moments:
        monkeypatch.setattr("nodes.tasks.timezone.now", lambda moment=moment: moment)
        expire_late_actions()
    for box in (alice, bob):
        with inside(box):
            assert set(Action.objects.values_list("state", flat=True)) == {"expired"}


def test_a_new_run_supersedes_what_is_open_and_leaves_what_the_box_has(alice: Box) -> None:
    with inside(alice):
        first, second = planned()
        approve_action(first, actor="test")
        hand_over("box")
        again = run_again()
        assert state_of(first) == "sent"
        assert state_of(second) == "superseded"
        assert [action.short_channel_id for action in again] == [second.short_channel_id]


def test_a_channel_that_is_gone_or_changed_by_its_owner_supersedes(alice: Box) -> None:
    with inside(alice):
        first, second = planned()
        approve_action(second, actor="test")
        show(alice, (first, OTHER))
        assert state_of(first) == "superseded"
        assert state_of(second) == "approved"
        alice.channels = alice.channels[:1]
        show(alice)
        assert state_of(second) == "superseded"
        assert "somebody else has changed the policy" in journal()[-2]


def test_what_the_box_has_is_superseded_when_its_channel_is_gone(alice: Box) -> None:
    with inside(alice):
        action = sent()
        accept_snapshot(make_snapshot(6, [], taken_at=timezone.now()))
        assert state_of(action) == "sent"  # it may come back, with our fee
        Action.objects.filter(id=action.id).update(sent_at=TAKEN_AT, expires_at=TAKEN_AT)
        accept_snapshot(make_snapshot(7, [], taken_at=timezone.now()))
        assert state_of(action) == "superseded"


def test_a_channel_that_was_missing_once_comes_back_with_our_fee(alice: Box) -> None:
    with inside(alice):
        action = sent()
        accept_snapshot(make_snapshot(5, alice.channels[1:], taken_at=timezone.now()))
        show(alice, (action, action.policy), taken_at=timezone.now())
        assert state_of(action) == "confirmed"


def test_a_reading_from_before_the_rollback_was_handed_over_does_not_confirm_it(alice: Box) -> None:
    with inside(alice):
        action = write(alice, planned()[0])
        undoing = roll_back_action(action, actor="owner")
        read_at = timezone.now()
        hand_over("box")
        show(alice, (action, action.expected_policy), taken_at=read_at)
        assert (state_of(undoing), state_of(action)) == ("sent", "confirmed")
        show(alice, (action, action.expected_policy), taken_at=timezone.now())
        assert (state_of(undoing), state_of(action)) == ("confirmed", "rolled_back")


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"inbound_fee_rate_ppm": -7}, "failed"),
        ({"time_lock_delta": 144}, "failed"),
        ({"max_htlc_msat": 5_000_000}, "sent"),  # a bound of the node's own
    ],
)
def test_a_success_that_names_another_policy_counts_for_bounds_of_payments_alone(
    alice: Box, change: dict[str, int], state: str
) -> None:
    with inside(alice):
        action = sent()
        report(action, applied=msgspec.structs.replace(action.policy, **change))
        assert state_of(action) == state


def test_the_wanted_policy_confirms_and_is_taken_back_whatever_bounds_the_box_named(alice: Box) -> None:
    with inside(alice):
        action = sent()
        report(action, applied=msgspec.structs.replace(action.policy, max_htlc_msat=5_000_000))
        show(alice, (action, action.policy))
        assert state_of(action) == "confirmed"
        assert roll_back_action(action, actor="owner").expected_policy == action.policy


def test_a_channel_has_one_action_on_its_way(alice: Box) -> None:
    with inside(alice):
        action = sent()
        copy = Action.objects.get(id=action.id)
        copy.id, copy.decision, copy.state = msgspec.UNSET, None, "approved"  # type: ignore[assignment]
        copy.id = Action._meta.get_field("id").get_default()
        with pytest.raises(IntegrityError, match="action_in_flight_once"), transaction.atomic():
            copy.save(force_insert=True)


def test_the_owner_approves_and_rejects_and_again_is_harmless(alice: Box) -> None:
    with inside(alice):
        first, second = planned()
        for _ in range(2):
            assert approve_action(first, actor="owner").state == "approved"
            assert reject_action(second, actor="owner").state == "rejected"
        with pytest.raises(Problem, match="rejected"):
            approve_action(second, actor="owner")
        assert reject_action(first, actor="owner").state == "rejected"
        hand_over("box")
        assert Action.objects.filter(state__in=(*OPEN_STATES, *IN_FLIGHT_STATES)).count() == 0


def test_a_new_owner_finds_nothing_of_the_one_before_on_its_way(alice: Box) -> None:
    with inside(alice):
        action = approved()
    transfer_dazbox(alice.dazbox.id, TransferTerms(expires_in=dt.timedelta(days=1)), actor="owner")
    with inside(alice):
        assert state_of(action) == "superseded"
        assert not Action.objects.filter(state__in=OPEN_STATES).exists()


def test_a_run_in_shadow_mode_approves_nothing(alice: Box) -> None:
    with inside(alice):
        run_cycle()
        assert hand_over("box") == []
        states: Any = Action.objects.values_list("state", flat=True)
        assert set(states) == {"planned", "superseded"}
