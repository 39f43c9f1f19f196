"""Approved actions go to whoever writes them, the box or a worker of ours; what came of it is recorded here."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from msgspec import Struct
from msgspec.structs import replace

from nodes.engine.in_force import has_same_terms, is_in_force
from nodes.engine.report import ChannelPolicy, Instant
from nodes.models.action import Action, ActionOutcome, ActionState
from nodes.pipeline.action import expire_actions, move_action, refuse_step, seal_outcome
from nodes.pipeline.journal import note
from nodes.selectors.kill_switch import read_switches
from nodes.selectors.node import lock_own_node

LEASE = dt.timedelta(minutes=5)  # whoever fetched it writes it within this, or asks again
MAX_HANDED = 100


class ActionResult(Struct, frozen=True, kw_only=True):
    """What came of it. `applied_policy`: what the node has in force now, as far as it could be read."""

    success: bool
    at: Instant
    applied_policy: ChannelPolicy | None = None
    error: str | None = None


def hand_over(holder: str, *, now: dt.datetime | None = None) -> list[Action]:
    """What `holder` is to write, oldest first: each action has one holder while its lease runs.

    Approved ones become sent; sent ones of which nothing was heard are given again, to their holder at once and to
    others when the lease is over. None of it while a kill switch is on, and none whose time is over.
    """
    now = now or timezone.now()
    expire_actions(now)
    if not _find_waiting(holder, now).exists():
        return []
    with transaction.atomic():
        lock_own_node()
        switches = read_switches()
        waiting = _find_waiting(holder, now).order_by("created_at", "decision_id", "id")[:MAX_HANDED]
        free = [action for action in waiting if switches.find_stop(bytes(action.channel_digest)) is None]
        return [action for action in free if _hand_one(action, holder, now=now)]


def _find_waiting(holder: str, now: dt.datetime) -> QuerySet[Action]:
    is_free = Q(sent_to=holder) | Q(lease_until__lte=now)
    is_unheard = Q(state=ActionState.SENT, reported_at=None) & is_free
    return Action.objects.filter(Q(state=ActionState.APPROVED) | is_unheard, expires_at__gt=now)


def _hand_one(action: Action, holder: str, *, now: dt.datetime) -> bool:
    """False when another holder was faster."""
    lease: dict[str, Any] = {"sent_to": holder, "lease_until": now + LEASE}
    if action.state == ActionState.APPROVED:
        return move_action(action, ActionState.SENT, reason=f"handed to {holder}", sent_at=now, **lease)
    same = Action.objects.filter(id=action.id, state=ActionState.SENT, reported_at=None, lease_until=action.lease_until)
    action.sent_to, action.lease_until = holder, now + LEASE
    return bool(same.update(**lease))


@transaction.atomic
def record_result(action: Action, result: ActionResult) -> Action:
    """What the box says came of it. A repeat, or a word about one that is settled meanwhile, changes nothing.

    Success is confirmed in public, and stays sent inside until a snapshot shows it. Failure settles it: superseded
    where the node had another policy than expected, else failed. A box that read an approved action without taking it
    over, and wrote it, has it by its own word. Raises Problem 409 for an action that was not approved.
    """
    lock_own_node()
    action.refresh_from_db()
    if action.state == ActionState.PLANNED:
        raise refuse_step(action, "it was not approved, so nothing can have come of it")
    if action.state == ActionState.APPROVED:
        _take_word(action, result)
    if action.state != ActionState.SENT or action.reported_at is not None:
        return action
    outcome = ActionOutcome(error=result.error, applied_policy=result.applied_policy, at=result.at)
    if _is_written(action, result):
        return _note_written(action, outcome)
    move_action(action, _judge_failure(action, result), reason=_explain_failure(result), outcome=outcome)
    return action


def _take_word(action: Action, result: ActionResult) -> None:
    """It had it when it says it wrote, though never before it was decided nor after now."""
    sent_at = min(max(result.at, action.created_at), timezone.now())
    reason = "the box read it, and reports what came of it"
    move_action(action, ActionState.SENT, reason=reason, sent_at=sent_at, lease_until=sent_at)


def _is_written(action: Action, result: ActionResult) -> bool:
    """The node's own word counts more than the box's; its bounds for payments may be narrower than asked for."""
    applied = result.applied_policy
    if applied is None:
        return result.success
    wanted = action.policy
    if is_in_force(wanted, before=action.expected_policy, present=applied):
        return True
    as_asked = replace(applied, min_htlc_msat=wanted.min_htlc_msat, max_htlc_msat=wanted.max_htlc_msat)
    return result.success and is_in_force(wanted, before=action.expected_policy, present=as_asked)


def _note_written(action: Action, outcome: ActionOutcome) -> Action:
    rows = Action.objects.filter(id=action.id, state=ActionState.SENT, reported_at=None)
    reported_at = timezone.now()
    if rows.update(reported_at=reported_at, outcome=seal_outcome(action, outcome)):
        action.reported_at, action.outcome = reported_at, outcome
        text = (
            f"Fee of {action.short_channel_id}, sent, is now confirmed: it was written; the next snapshot verifies it"
        )
        facts = {"action": str(action.id), "channel": action.short_channel_id}
        note("action", text, **facts, before=ActionState.SENT.value, after=action.public_state.value)
    return action


def _judge_failure(action: Action, result: ActionResult) -> ActionState:
    applied = result.applied_policy
    is_changed = applied is not None and not has_same_terms(applied, action.expected_policy)
    return ActionState.SUPERSEDED if is_changed and not result.success else ActionState.FAILED


def _explain_failure(result: ActionResult) -> str:
    if result.success:
        return "reported as written, but the node has another policy in force"
    return result.error or "the node did not take it"
