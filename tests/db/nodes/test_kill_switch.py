"""Global, tenant, channel: while a switch is on nothing is approved or handed over, from the next request on."""

import io
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command

from mcp_saas.kit.errors import Problem
from nodes.models.action import Action
from nodes.models.journal import JournalEntry
from nodes.models.kill_switch import WHOLE_NODE, KillSwitch, SwitchDetail
from nodes.pipeline.action import approve_action
from nodes.pipeline.handover import hand_over
from nodes.pipeline.kill_switch import lift_switch, set_switch
from nodes.pipeline.rollback import roll_back_action, roll_back_run
from tenants.models.kill_switch import OperatorSwitch
from tenants.provisioning.kill_switch import lift_operator_switch, set_operator_switch
from tests.db.nodes.acting import deliver, inside, planned, write
from tests.factories import Box

Turn = tuple[Callable[[Box], object], Callable[[Box], object]]


def set_own(box: Box, *, is_channel: bool) -> None:
    with inside(box):
        action = planned()[0]
        digest = bytes(action.channel_digest) if is_channel else WHOLE_NODE
        scid = action.short_channel_id if is_channel else None
        set_switch(digest, SwitchDetail("I am trying something", scid), actor="owner")


def lift_own(box: Box) -> None:
    with inside(box):
        for switch in KillSwitch.objects.all():
            lift_switch(bytes(switch.channel_digest), actor="owner")


SWITCHES: dict[str, Turn] = {
    "global": (
        lambda box: set_operator_switch(None, actor="olga", reason="a bad release"),
        lambda box: lift_operator_switch(None, actor="olga"),
    ),
    "operator": (
        lambda box: set_operator_switch(box.dazbox, actor="olga", reason="a bad release"),
        lambda box: lift_operator_switch(box.dazbox, actor="olga"),
    ),
    "node": (lambda box: set_own(box, is_channel=False), lift_own),
    "channel": (lambda box: set_own(box, is_channel=True), lift_own),
}


@pytest.mark.parametrize(("turn_on", "turn_off"), SWITCHES.values(), ids=SWITCHES)
def test_nothing_is_approved_while_it_is_on(
    alice: Box, turn_on: Callable[[Box], object], turn_off: Callable[[Box], object]
) -> None:
    turn_on(alice)
    with inside(alice):
        action = planned()[0]
        with pytest.raises(Problem, match="kill switch"):
            approve_action(action, actor="owner")
    turn_off(alice)
    with inside(alice):
        assert approve_action(action, actor="owner").state == "approved"


@pytest.mark.parametrize(("turn_on", "turn_off"), SWITCHES.values(), ids=SWITCHES)
def test_nothing_is_handed_over_at_the_very_next_fetch(
    alice: Box, turn_on: Callable[[Box], object], turn_off: Callable[[Box], object]
) -> None:
    with inside(alice):
        action, other = planned()
        approve_action(action, actor="owner")
        assert other.state == "planned"
        Action.objects.filter(id=action.id).update(state="planned")
    turn_on(alice)
    with inside(alice):
        Action.objects.filter(id=action.id).update(state="approved")
        assert hand_over("box") == []
    turn_off(alice)
    with inside(alice):
        assert [one.id for one in hand_over("box")] == [action.id]


@pytest.mark.parametrize(("turn_on", "turn_off"), SWITCHES.values(), ids=SWITCHES)
def test_what_the_box_has_is_not_given_again_while_it_is_on(
    alice: Box, turn_on: Callable[[Box], object], turn_off: Callable[[Box], object]
) -> None:
    turn_on(alice)
    turn_off(alice)
    with inside(alice):
        action, other = planned()
        approve_action(action, actor="owner")
        assert len(hand_over("box")) == 1
        Action.objects.filter(id=action.id).update(state="planned")
    turn_on(alice)
    with inside(alice):
        Action.objects.filter(id=action.id).update(state="sent")
        assert hand_over("box") == []
        assert other.state == "planned"
    turn_off(alice)
    with inside(alice):
        assert len(hand_over("box")) == 1


def test_one_channel_stopped_leaves_the_others(alice: Box) -> None:
    set_own(alice, is_channel=True)
    with inside(alice):
        _, other = planned()
        assert approve_action(other, actor="owner").state == "approved"
        assert [action.id for action in hand_over("box")] == [other.id]


def test_another_box_goes_on(alice: Box, bob: Box) -> None:
    set_operator_switch(alice.dazbox, actor="olga", reason="hers alone")
    with inside(bob):
        assert approve_action(planned()[0], actor="owner").state == "approved"


def test_rollbacks_wait_too(alice: Box) -> None:
    with inside(alice):
        action = write(alice, planned()[0])
    set_operator_switch(None, actor="olga", reason="a bad release")
    with inside(alice):
        with pytest.raises(Problem, match="kill switch"):
            roll_back_action(action, actor="owner")
        [(refused, reason)] = roll_back_run(action.run_id, actor="owner").refused  # type: ignore[arg-type]
        assert refused.id == action.id
        assert "a bad release" in reason
    lift_operator_switch(None, actor="olga")
    with inside(alice):
        deliver(alice, roll_back_action(action, actor="owner"))


def test_the_journal_of_the_box_says_who_and_why(alice: Box) -> None:
    set_operator_switch(alice.dazbox, actor="olga", reason="a bad release")
    lift_operator_switch(alice.dazbox, actor="olga")
    set_own(alice, is_channel=False)
    with inside(alice):
        entries = list(JournalEntry.objects.filter(kind="kill-switch").order_by("id"))
        assert [entry.detail.facts["is_on"] for entry in entries] == [True, False, True]
        assert "a bad release" in entries[0].detail.text


def test_the_command_sets_shows_and_lifts(alice: Box) -> None:
    out = io.StringIO()
    call_command("kill_switch", "on", reason="a bad release", stdout=out)
    call_command("kill_switch", "on", device=str(alice.dazbox.id), reason="hers", stdout=out)
    assert OperatorSwitch.objects.count() == 2
    shown = io.StringIO()
    call_command("kill_switch", "show", stdout=shown)
    assert "all" in shown.getvalue()
    assert str(alice.dazbox.id) in shown.getvalue()
    call_command("kill_switch", "off", stdout=out)
    call_command("kill_switch", "off", device=str(alice.dazbox.id), stdout=out)
    assert OperatorSwitch.objects.count() == 0
    with pytest.raises(CommandError, match="reason"):
        call_command("kill_switch", "on")
