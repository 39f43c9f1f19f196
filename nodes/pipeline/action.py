"""The life of an action: its states change here and nowhere else."""

import datetime as dt
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from mcp_saas.kit.errors import Problem, not_found
from mcp_saas.kit.metrics import note_action
from nodes.engine.actor import name_actor
from nodes.models.action import (
    IN_FLIGHT_STATES,
    OPEN_STATES,
    TRANSITIONS,
    UNSETTLED_STATES,
    Action,
    ActionOutcome,
    ActionState,
)
from nodes.models.channel import Channel
from nodes.models.node import Mode
from nodes.pipeline.journal import note
from nodes.selectors.kill_switch import Stop, read_switches
from nodes.selectors.node import lock_own_node
from nodes.selectors.release import Release
from tenants.sealing.payload import PayloadField


class TransitionError(ValueError):
    """Asked for a step that TRANSITIONS does not list: a fault of ours."""


@transaction.atomic
def move_action(
    action: Action, to: ActionState, *, reason: str, outcome: ActionOutcome | None = None, **fields: Any
) -> bool:
    """The one way from state to state: a conditional update, noted in the journal. False: somebody else was faster.

    `fields` and `outcome` change with it, also in `action` itself. Raises TransitionError.
    """
    before, told = ActionState(action.state), action.public_state
    fields |= {"state": _check_step(before, to)} | _stamp(before, to)
    if outcome is not None:
        fields["outcome"] = seal_outcome(action, outcome)
    if not Action.objects.filter(id=action.id, state=before).update(**fields):
        return False
    for name, value in (fields | ({"outcome": outcome} if outcome else {})).items():
        setattr(action, name, value)
    _note_step(action, to, told=told, reason=reason)
    count_steps(to)
    return True


def _note_step(action: Action, to: ActionState, *, told: ActionState, reason: str) -> None:
    """By public states: what was reported is confirmed already when a snapshot verifies it."""
    now = "verified" if told == to else f"now {to.label.lower()}"
    facts: dict[str, Any] = {"action": str(action.id), "channel": action.short_channel_id}
    facts |= {"before": told.value, "after": to.value} | ({"verified": True} if to == ActionState.CONFIRMED else {})
    fees = {"old_fee_rate_ppm": action.expected_policy.fee_rate_ppm, "fee_rate_ppm": action.policy.fee_rate_ppm}
    text = f"Fee of {action.short_channel_id}, {told.label.lower()}, is {now}: {reason}"
    note("action", text, **facts, **fees)


@transaction.atomic
def move_planned(rows: QuerySet[Action], to: ActionState, *, reason: str) -> int:
    """Those of the rows that are planned go together, with one line in the journal. Returns how many went."""
    fields = {"state": _check_step(ActionState.PLANNED, to)} | _stamp(ActionState.PLANNED, to)
    count: int = rows.filter(state=ActionState.PLANNED).update(**fields)
    if count:
        count_steps(to, count=count)
        note("action", f"{count} planned fees are now {to.label.lower()}: {reason}", count=count, after=to.value)
    return count


def count_steps(to: ActionState, *, count: int = 1) -> None:
    """For Prometheus, once they are committed."""
    transaction.on_commit(partial(note_action, to.value, count=count))


def expire_actions(now: dt.datetime) -> int:
    """Of the tenant we are in: what the box was not given in time. Returns how many. `sent` ones wait for proof."""
    rows = Action.objects.filter(state__in=OPEN_STATES, expires_at__lte=now)
    if not rows.exists():
        return 0
    with transaction.atomic():
        lock_own_node()
        return _expire(rows)


def _expire(rows: QuerySet[Action]) -> int:
    reason = "its time was over"
    count = move_planned(rows, ActionState.EXPIRED, reason=reason)
    approved = rows.filter(state=ActionState.APPROVED).order_by("created_at", "decision_id")
    return count + sum(move_action(action, ActionState.EXPIRED, reason=reason) for action in approved)


@transaction.atomic
def approve_action(action: Action, *, actor: str) -> Action:
    """It goes to the box when that asks next. One that is on its way or there already stays as it is.

    Raises Problem 409 for one that is settled otherwise or late, while another one of its channel is on its way, while
    the node is paused or a kill switch is on, and for a channel that is held out.
    """
    release = Release(lock_own_node())
    action.refresh_from_db()
    if action.state in {*IN_FLIGHT_STATES, ActionState.CONFIRMED}:
        return action
    _refuse_unless_open(action)
    if stop := read_switches().find_stop(bytes(action.channel_digest)):
        raise refuse_stopped(stop)
    if reason := _find_ban(action, release):
        raise refuse_step(action, reason)
    if action.expires_at <= timezone.now():
        raise refuse_step(action, "its time is over: the next run decides anew")
    if Action.objects.filter(channel_digest=action.channel_digest, state__in=IN_FLIGHT_STATES).exists():
        raise refuse_step(action, "another change of this channel is on its way")
    if not move_action(action, ActionState.APPROVED, reason=f"approved by {name_actor(actor)}"):
        raise refuse_step(action, "it has just changed: read it again")
    return action


@transaction.atomic
def reject_action(action: Action, *, actor: str) -> Action:
    """It is not written. Again is no error. Raises Problem 409 for one that the box has or that is settled."""
    lock_own_node()
    action.refresh_from_db()
    if action.state == ActionState.REJECTED:
        return action
    _refuse_unless_open(action)
    if not move_action(action, ActionState.REJECTED, reason=f"rejected by {name_actor(actor)}"):
        raise refuse_step(action, "it has just changed: read it again")
    return action


def find_action(action_id: UUID) -> Action:
    """Raises Problem 404."""
    action = Action.objects.filter(id=action_id).first()
    if action is None:
        raise not_found("The node has no such action.")
    return action


def refuse_step(action: Action, detail: str) -> Problem:
    label = action.public_state.label.lower()
    return Problem(409, "wrong-state", "Not possible in this state", detail=f"The action is {label}: {detail}.")


def refuse_stopped(stop: Stop) -> Problem:
    detail = f"Nothing is written while {stop.tell()}"
    return Problem(409, "kill-switch-on", "A kill switch is on", detail=detail)


def seal_outcome(action: Action, outcome: ActionOutcome) -> Any:
    """As an update() takes it: sealed for the action's row."""
    field: PayloadField[Any] = Action._meta.get_field("outcome")  # noqa: SLF001 - Django's
    before, action.outcome = action.outcome, outcome
    sealed = field.pre_save(action, add=False)
    action.outcome = before
    return sealed


def _refuse_unless_open(action: Action) -> None:
    if action.state not in OPEN_STATES:
        raise refuse_step(action, "it can no longer be decided on")


def _find_ban(action: Action, release: Release) -> str | None:
    """Why the mode lets nobody hand it over, its owner included; None: it does."""
    if release.mode == Mode.PAUSED:
        return "the node is paused: promote it, or set another mode, first"
    channel = Channel.objects.filter(digest=action.channel_digest).first()
    peer = channel.state.peer_pubkey if channel else ""
    if release.is_acting and peer in release.standing.groups.hold_out:
        return "its channel is held out, to compare the release with: set hold_out_percent lower first"
    return None


def _check_step(before: ActionState, to: ActionState) -> ActionState:
    if to not in TRANSITIONS[before]:
        raise TransitionError(f"an action that is {before} cannot become {to}")
    return to


def _stamp(before: ActionState, to: ActionState) -> dict[str, dt.datetime]:
    now = timezone.now()
    if to == ActionState.APPROVED:
        return {"approved_at": now}
    return {"settled_at": now} if before in UNSETTLED_STATES and to not in UNSETTLED_STATES else {}
