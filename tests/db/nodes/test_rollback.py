"""Undoing one action, a run, a time: what was there comes back, what somebody else set stays."""

import datetime as dt

import pytest
from django.utils import timezone
from msgspec.structs import replace

from mcp_saas.kit.errors import Problem
from nodes.engine.report import ChannelPolicy
from nodes.models.action import Action
from nodes.models.decision import Decision
from nodes.pipeline.action import approve_action
from nodes.pipeline.handover import hand_over
from nodes.pipeline.ingest import accept_snapshot
from nodes.pipeline.rollback import roll_back_action, roll_back_actions, roll_back_run, roll_back_window
from tests.db.nodes.acting import deliver, inside, journal, planned, run_again, show, state_of, write
from tests.factories import Box, make_policy, make_snapshot

OTHER = make_policy(fee_rate_ppm=4321)
HOUR = dt.timedelta(hours=1)


def change_again(
    box: Box, action: Action, *, policy: ChannelPolicy | None = None, expected: ChannelPolicy | None = None
) -> Action:
    """A second change of ours of the same channel."""
    now = timezone.now()
    second = Action.objects.create(
        channel_digest=action.channel_digest,
        short_channel_id=action.short_channel_id,
        created_at=now,
        expires_at=now + HOUR,
        policy=policy or make_policy(fee_rate_ppm=99),
        expected_policy=expected or action.policy,
        why="again",
    )
    return write(box, second)


def test_an_action_is_taken_back_and_a_snapshot_says_so(alice: Box) -> None:
    with inside(alice):
        action = write(alice, planned()[0])
        undoing = roll_back_action(action, actor="owner")
        assert (undoing.kind, undoing.state) == ("rollback", "approved")
        assert undoing.policy.fee_rate_ppm == action.expected_policy.fee_rate_ppm == 300
        assert undoing.expected_policy == action.policy
        assert state_of(action) == "confirmed"
        deliver(alice, undoing)
        assert state_of(action) == "rolled_back"
        assert f"taken back by the owner: fee rate {action.policy.fee_rate_ppm} to 300 ppm" in journal("rollback")[-1]


def test_asked_again_it_is_one_rollback(alice: Box) -> None:
    with inside(alice):
        action = write(alice, planned()[0])
        undoing = roll_back_action(action, actor="owner")
        assert roll_back_action(action, actor="owner").id == undoing.id
        deliver(alice, undoing)
        assert roll_back_action(action, actor="owner").id == undoing.id
        assert Action.objects.filter(kind="rollback").count() == 1


def test_a_rollback_that_failed_can_be_asked_for_anew(alice: Box) -> None:
    with inside(alice):
        action = write(alice, planned()[0])
        undoing = roll_back_action(action, actor="owner")
        Action.objects.filter(id=undoing.id).update(state="failed")
        assert roll_back_action(action, actor="owner").id != undoing.id


def test_what_the_owner_changed_since_stays(alice: Box) -> None:
    with inside(alice):
        action = write(alice, planned()[0])
        show(alice, (action, OTHER))
        with pytest.raises(Problem, match="somebody else"):
            roll_back_action(action, actor="owner")
        rollback = roll_back_run(action.run_id, actor="owner")  # type: ignore[arg-type]
        assert [(one.id, "somebody else" in reason) for one, reason in rollback.refused] == [(action.id, True)]
        assert not Action.objects.filter(kind="rollback").exists()


def test_what_the_owner_changed_after_the_rollback_was_asked_for_stays(alice: Box) -> None:
    with inside(alice):
        action = write(alice, planned()[0])
        undoing = roll_back_action(action, actor="owner")
        show(alice, (action, OTHER))
        assert state_of(undoing) == "superseded"
        assert state_of(action) == "confirmed"


def test_a_rollback_is_taken_back_as_well(alice: Box) -> None:
    with inside(alice):
        action = write(alice, planned()[0])
        undoing = deliver(alice, roll_back_action(action, actor="owner"))
        redo = roll_back_action(undoing, actor="owner")
        assert redo.policy.fee_rate_ppm == action.policy.fee_rate_ppm
        deliver(alice, redo)
        assert state_of(undoing) == "rolled_back"


def test_an_older_action_waits_for_the_newer_one(alice: Box) -> None:
    with inside(alice):
        first = write(alice, planned()[0])
        change_again(alice, first)
        with pytest.raises(Problem, match="newer action"):
            roll_back_action(first, actor="owner")


def test_only_what_is_in_force_is_taken_back(alice: Box) -> None:
    with inside(alice):
        action = planned()[0]
        with pytest.raises(Problem, match="planned"):
            roll_back_action(action, actor="owner")
        approve_action(action, actor="owner")
        hand_over("box")
        with pytest.raises(Problem, match="verified"):
            roll_back_action(action, actor="owner")


def test_a_closed_channel_is_left_alone(alice: Box) -> None:
    with inside(alice):
        action = write(alice, planned()[0])
        accept_snapshot(make_snapshot(50, alice.channels[1:], taken_at=timezone.now()))
        with pytest.raises(Problem, match="closed"):
            roll_back_action(action, actor="owner")


def test_a_run_is_taken_back_and_what_of_it_was_open_is_rejected(alice: Box) -> None:
    with inside(alice):
        first, second = planned()
        write(alice, first)
        rollback = roll_back_run(first.run_id, actor="owner")  # type: ignore[arg-type]
        assert [action.policy.fee_rate_ppm for action in rollback.actions] == [300]
        assert [action.id for action in rollback.cancelled] == [second.id]
        assert state_of(second) == "rejected"
        assert rollback.refused == []


def test_what_the_box_has_is_named_and_not_taken_back(alice: Box) -> None:
    with inside(alice):
        first, _ = planned()
        approve_action(first, actor="owner")
        hand_over("box")
        rollback = roll_back_run(first.run_id, actor="owner")  # type: ignore[arg-type]
        assert [action.id for action, _ in rollback.refused] == [first.id]


def test_a_day_goes_back_to_what_each_channel_had_before_it(alice: Box) -> None:
    with inside(alice):
        first = write(alice, planned()[0])
        second = change_again(alice, first)
        [undoing] = roll_back_window(timezone.now() - HOUR, None, actor="owner").actions
        assert undoing.expected_policy.fee_rate_ppm == 99
        assert undoing.policy.fee_rate_ppm == 300
        deliver(alice, undoing)
        assert (state_of(first), state_of(second)) == ("rolled_back", "rolled_back")
        nothing = roll_back_window(timezone.now() - HOUR, None, actor="owner")
        assert (nothing.actions, nothing.refused) == ([], [])


def test_of_a_day_only_what_is_ours_goes_back(alice: Box) -> None:
    with inside(alice):
        first = write(alice, planned()[0])
        show(alice, (first, OTHER))  # the owner, in between
        first.policy = OTHER
        second = change_again(alice, first)
        rollback = roll_back_window(timezone.now() - HOUR, None, actor="owner")
        assert [action.policy.fee_rate_ppm for action in rollback.actions] == [4321]
        assert [action.id for action, _ in rollback.refused] == [first.id]
        assert second.id != first.id


def test_another_time_is_not_touched(alice: Box) -> None:
    with inside(alice):
        write(alice, planned()[0])
        rollback = roll_back_window(timezone.now() - 2 * HOUR, timezone.now() - HOUR, actor="owner")
        assert (rollback.actions, rollback.refused, rollback.cancelled) == ([], [], [])


def test_the_next_run_leaves_a_rollback_alone(alice: Box) -> None:
    with inside(alice):
        action = write(alice, planned()[0])
        undoing = roll_back_action(action, actor="owner")
        assert undoing.short_channel_id not in {one.short_channel_id for one in run_again()}
        assert state_of(undoing) == "approved"


def test_what_the_node_disabled_by_itself_is_not_disabled_by_a_rollback(alice: Box) -> None:
    with inside(alice):
        action = planned()[0]
        action.expected_policy = make_policy(disabled=True)  # its peer was away when we decided
        action.save(update_fields=["expected_policy"])
        action.policy = make_policy(fee_rate_ppm=99, disabled=True)
        action.save(update_fields=["policy"])
        write(alice, action)
        show(alice, (action, make_policy(fee_rate_ppm=99)))
        undoing = roll_back_action(action, actor="owner")
        assert undoing.policy.disabled is undoing.expected_policy.disabled


def held_by(action: Action) -> str | None:
    """By the newest run, for the channel of the action."""
    decisions = Decision.objects.filter(channel_digest=action.channel_digest).order_by("-id")
    return decisions[0].outcome.held_by


@pytest.mark.parametrize("way", ["action", "run", "time"])
def test_what_its_owner_took_back_is_not_written_again_by_the_next_run(alice: Box, way: str) -> None:
    with inside(alice):
        action = write(alice, planned()[0])
        if way == "action":
            undoing = roll_back_action(action, actor="owner")
        elif way == "run":
            [undoing] = roll_back_run(action.run_id, actor="owner").actions  # type: ignore[arg-type]
        else:
            [undoing] = roll_back_window(timezone.now() - HOUR, None, actor="owner").actions
        deliver(alice, undoing)
        assert action.channel_digest not in {one.channel_digest for one in run_again()}
        assert held_by(action) == "rolled_back"


def test_what_a_stop_rule_took_back_is_not_written_again_either(alice: Box) -> None:
    with inside(alice):
        action = write(alice, planned()[0])
        [undoing] = roll_back_actions([action], actor="stop rule").actions
        deliver(alice, undoing)
        run_again()
        assert held_by(action) == "rolled_back"


def test_a_channel_that_was_switched_off_is_switched_on_again_and_the_rollback_says_so(alice: Box) -> None:
    with inside(alice):
        action = planned()[0]
        off = replace(action.expected_policy, disabled=True)
        Action.objects.filter(id=action.id).delete()
        action = change_again(alice, action, policy=off, expected=action.expected_policy)
        undoing = roll_back_action(action, actor="owner")
        assert (undoing.policy.disabled, undoing.why) == (False, "taken back by the owner: switched on")


def test_what_is_in_force_again_names_the_action_to_take_back(alice: Box) -> None:
    with inside(alice):
        action = write(alice, planned()[0])
        undoing = deliver(alice, roll_back_action(action, actor="owner"))
        redo = deliver(alice, roll_back_action(undoing, actor="owner"))
        with pytest.raises(Problem, match=str(redo.id)):
            roll_back_action(action, actor="owner")
        again = deliver(alice, roll_back_action(redo, actor="owner"))
        assert roll_back_action(action, actor="owner").id == again.id
