"""Undoing: what was written goes, and what was there before comes back, by new actions that live as all others do."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from mcp_saas.kit.errors import Problem, not_found
from nodes.engine.actor import name_actor
from nodes.engine.in_force import has_same_terms
from nodes.engine.language.difference import tell_differences
from nodes.engine.report import ChannelPolicy
from nodes.models.action import IN_FLIGHT_STATES, OPEN_STATES, Action, ActionKind, ActionState
from nodes.models.channel import Channel
from nodes.models.decision import CycleRun
from nodes.pipeline.act import ACTION_LIFETIME, supersede_open
from nodes.pipeline.action import move_action, refuse_step
from nodes.pipeline.journal import note
from nodes.selectors.action import list_in_force, list_written
from nodes.selectors.kill_switch import read_switches
from nodes.selectors.node import lock_own_node

ENDED = (ActionState.FAILED, ActionState.SUPERSEDED, ActionState.EXPIRED, ActionState.REJECTED)
NOT_IN_FORCE = "only what a snapshot has verified can be taken back"
ON_ITS_WAY = "another change of this channel is on its way: again when it is settled"
CLOSED = "the channel is closed"
CHANGED = "the node has another policy now than we wrote: what somebody else set stays"
NEWER = "a newer action wrote the channel since: take that one back first"


@dataclass
class Rollback:
    """What came of asking for one."""

    actions: list[Action] = field(default_factory=list)
    cancelled: list[Action] = field(default_factory=list)  # no longer going to be written
    refused: list[tuple[Action, str]] = field(default_factory=list)


@transaction.atomic
def roll_back_action(action: Action, *, actor: str) -> Action:
    """The action that takes this one back; asked again, the same one while it is under way or done.

    Raises Problem 409 where nothing of it is in force, or somebody else has changed the policy since; where it was
    taken back and that as well, it names the action that put it in force again.
    """
    lock_own_node()
    action.refresh_from_db()
    last, is_in_force = find_last_word(action)
    if not is_in_force:
        return last
    if last.id != action.id:
        raise refuse_step(action, f"it is in force again by the action {last.id}, take that one back")
    if action.state != ActionState.CONFIRMED:
        raise refuse_step(action, NOT_IN_FORCE)
    rollback = _roll_back([action], actor=actor)
    if rollback.refused:
        raise Problem(409, "rollback-refused", "It cannot be taken back", detail=f"{rollback.refused[0][1]}.")
    return rollback.actions[0]


def find_last_word(action: Action) -> tuple[Action, bool]:
    """The last of those that took it back and one another, as far as they hold: `action` itself where nothing did.

    And whether the action's policy is in force by it.
    """
    last, is_in_force = action, True
    while last.undone_by is not None and last.undone_by.state not in ENDED:
        last, is_in_force = last.undone_by, not is_in_force
    return last, is_in_force


@transaction.atomic
def roll_back_run(run_id: UUID, *, actor: str) -> Rollback:
    """All that a run changed; what of it was not handed over yet is rejected. Raises Problem 404."""
    if not CycleRun.objects.filter(id=run_id).exists():
        raise not_found("The node has no such run.")
    lock_own_node()
    rollback = _roll_back(list_in_force(run_id=run_id), actor=actor)
    _cancel_open(rollback, Action.objects.filter(run_id=run_id, state__in=OPEN_STATES), actor=actor)
    _refuse_sent(rollback, Action.objects.filter(run_id=run_id, state=ActionState.SENT))
    return rollback


@transaction.atomic
def roll_back_window(since: dt.datetime, until: dt.datetime | None, *, actor: str) -> Rollback:
    """All that was handed over with since <= sent_at < until."""
    lock_own_node()
    rollback = _roll_back(list_written(since, until), actor=actor)
    sent = Action.objects.filter(state=ActionState.SENT, sent_at__gte=since)
    _refuse_sent(rollback, sent.filter(sent_at__lt=until) if until else sent)
    return rollback


@transaction.atomic
def roll_back_actions(actions: Sequence[Action], *, actor: str) -> Rollback:
    """These, given newest first."""
    lock_own_node()
    return _roll_back(actions, actor=actor)


def _roll_back(actions: Sequence[Action], *, actor: str) -> Rollback:
    """One new action a channel, back to what it had before the oldest of its actions (given newest first)."""
    rollback = Rollback()
    by_channel: dict[bytes, list[Action]] = {}
    for action in actions:
        by_channel.setdefault(bytes(action.channel_digest), []).append(action)
    channels = {bytes(row.digest): row for row in Channel.objects.filter(digest__in=list(by_channel))}
    for digest, written in by_channel.items():
        chain, rest = _split_chain(written)
        refusal = _find_refusal(chain[0], channels.get(digest))
        if refusal is not None:
            rollback.refused += [(action, refusal) for action in written if action.state == ActionState.CONFIRMED]
            continue
        rollback.refused += [(action, CHANGED) for action in rest if action.state == ActionState.CONFIRMED]
        _undo_chain(rollback, chain, actor=actor)
    return rollback


def _split_chain(written: Sequence[Action]) -> tuple[list[Action], list[Action]]:
    """Those that follow each other without a gap, newest first; and those before somebody else's change."""
    chain = [written[0]]
    for older in written[1:]:
        if not has_same_terms(older.written_policy, chain[-1].expected_policy):
            break
        chain.append(older)
    return chain, list(written[len(chain) :])


def _find_refusal(newest: Action, channel: Channel | None) -> str | None:
    """Why this channel is left as it is; None: it is not. Changes that are planned for it give way."""
    if stop := read_switches().find_stop(bytes(newest.channel_digest)):
        return stop.tell()
    if channel is None or channel.closed_at is not None:
        return CLOSED
    others = Action.objects.filter(channel_digest=newest.channel_digest).exclude(id=newest.id)
    supersede_open(others.exclude(kind=ActionKind.ROLLBACK), reason="the channel is rolled back")
    if others.filter(state__in=IN_FLIGHT_STATES).exists():
        return ON_ITS_WAY
    present = channel.state.own_policy
    if present is not None and has_same_terms(present, newest.written_policy):
        return None
    is_ours = others.filter(state=ActionState.CONFIRMED, sent_at__gt=newest.sent_at).exists()
    return NEWER if is_ours else CHANGED


def _undo_chain(rollback: Rollback, chain: Sequence[Action], *, actor: str) -> None:
    policy = _find_former(chain)
    if has_same_terms(policy, chain[0].written_policy) and policy.disabled == chain[0].policy.disabled:
        return  # it was taken back within the same time: nothing is left to do
    now = timezone.now()
    undoing = Action.objects.create(
        kind=ActionKind.ROLLBACK,
        channel_digest=chain[0].channel_digest,
        state=ActionState.APPROVED,
        created_at=now,
        approved_at=now,
        expires_at=now + ACTION_LIFETIME,
        short_channel_id=chain[0].short_channel_id,
        policy=policy,
        expected_policy=chain[0].written_policy,
        why=f"taken back by {name_actor(actor)}: {tell_differences(chain[0].written_policy, policy)}",
    )
    undone = [action.id for action in chain if action.state == ActionState.CONFIRMED]
    Action.objects.filter(id__in=undone).update(undone_by=undoing)
    text = f"Policy of {undoing.short_channel_id} goes back, {undoing.why}"
    note(
        "rollback",
        text,
        action=str(undoing.id),
        undoes=len(undone),
        actor=actor,
        channel=undoing.short_channel_id,
        fee_rate_ppm=policy.fee_rate_ppm,
    )
    rollback.actions.append(undoing)


def _find_former(chain: Sequence[Action]) -> ChannelPolicy:
    """What was there before. A node disables a channel by itself: that is only taken back where we did it."""
    newest, oldest = chain[0], chain[-1]
    was_switched = any(action.policy.disabled != action.expected_policy.disabled for action in chain)
    disabled = oldest.expected_policy.disabled if was_switched else newest.policy.disabled
    return msgspec.structs.replace(oldest.expected_policy, disabled=disabled, last_update=None)


def _cancel_open(rollback: Rollback, rows: QuerySet[Action], *, actor: str) -> None:
    for action in rows.order_by("created_at", "decision_id"):
        if move_action(action, ActionState.REJECTED, reason=f"its run is rolled back by {name_actor(actor)}"):
            rollback.cancelled.append(action)


def _refuse_sent(rollback: Rollback, rows: QuerySet[Action]) -> None:
    rollback.refused += [(action, f"{NOT_IN_FORCE}; the box has this one") for action in rows]
