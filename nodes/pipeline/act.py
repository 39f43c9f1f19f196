"""From decisions to actions. Whether an action is handed to the box is the mode's business, in `rollout`."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.dispatch import receiver

from nodes.engine.cycle import ChannelInput
from nodes.engine.types import ChannelDecision
from nodes.engine.webhook.event import count_actions
from nodes.models.action import IN_FLIGHT_STATES, OPEN_STATES, Action, ActionKind, ActionState
from nodes.models.channel import digest_channel
from nodes.models.decision import CycleRun, Decision
from nodes.pipeline.action import count_steps, move_action, move_planned
from nodes.pipeline.rollout import Rollout
from nodes.pipeline.webhook.outbox import announce
from nodes.selectors.kill_switch import Switches, read_switches
from nodes.selectors.node import lock_own_node
from tenants.context import TenantRef, enter_tenant
from tenants.events import owner_changes

ACTION_LIFETIME = dt.timedelta(hours=24)


def record_decisions(
    run: CycleRun, rollout: Rollout, *, inputs: Sequence[ChannelInput], outcomes: Sequence[ChannelDecision]
) -> list[Decision]:
    """Every decision with all its inputs, the ones that change nothing included."""
    return Decision.objects.bulk_create(
        Decision(
            run=run,
            channel_digest=digest_channel(given.channel.short_channel_id),
            group=rollout.name_group(given.channel.peer_pubkey),
            decided_at=run.finished_at,
            inputs=given,
            outcome=outcome,
        )
        for given, outcome in zip(inputs, outcomes, strict=True)
    )


def plan_actions(run: CycleRun, rollout: Rollout, *, decisions: Sequence[Decision]) -> list[Action]:
    """One action a change. Open actions of earlier runs are superseded: this run looked at newer data.

    A channel whose action the box has, or which is being rolled back, gets no other until that is settled. In the
    transaction of the run.
    """
    supersede_open(Action.objects.filter(kind=ActionKind.POLICY), reason="a newer run decided anew")
    in_flight = Action.objects.filter(state__in=IN_FLIGHT_STATES).values_list("channel_digest", flat=True)
    taken = {bytes(digest) for digest in in_flight}
    switches = read_switches()
    actions = [
        _plan_action(run, decision, state=_choose_state(rollout, decision, switches=switches))
        for decision in decisions
        if _is_change(decision) and bytes(decision.channel_digest) not in taken
    ]
    for state, count in Counter(action.state for action in actions).items():
        count_steps(ActionState(state), count=count)
    return Action.objects.bulk_create(actions)


def announce_planned(run: CycleRun, actions: Sequence[Action]) -> None:
    """What the run wants, and what of it the mode hands over at once: two events at most, however many channels."""
    approved = [action.id for action in actions if action.state == ActionState.APPROVED]
    if actions:
        announce("action.planned", count_actions([action.id for action in actions], run_id=run.id))
    if approved:
        announce("action.approved", count_actions(approved, run_id=run.id))


def withdraw_approved(reason: str) -> None:
    """What the box does not have yet is not handed over: the next run decides anew what may be. Rollbacks stay."""
    for action in Action.objects.filter(state=ActionState.APPROVED, kind=ActionKind.POLICY).order_by("created_at"):
        move_action(action, ActionState.SUPERSEDED, reason=reason)


@receiver(owner_changes, dispatch_uid="actions")
@transaction.atomic
def withdraw_for_new_owner(*, tenant: TenantRef, **_: Any) -> None:
    """Whoever has the box next decides anew: what the owner before approved or took back is not handed over."""
    with enter_tenant(tenant):
        if Action.objects.filter(state__in=OPEN_STATES).exists():
            lock_own_node()
            supersede_open(Action.objects.all(), reason="the box has a new owner")


def supersede_open(rows: QuerySet[Action], *, reason: str) -> None:
    """Those of the rows that the box does not have yet."""
    move_planned(rows, ActionState.SUPERSEDED, reason=reason)
    for action in rows.filter(state=ActionState.APPROVED).order_by("created_at", "decision_id"):
        move_action(action, ActionState.SUPERSEDED, reason=reason)


def _is_change(decision: Decision) -> bool:
    return decision.outcome.proposed_policy not in {None, decision.inputs.channel.own_policy}


def _choose_state(rollout: Rollout, decision: Decision, *, switches: Switches) -> ActionState:
    """While a kill switch is on it stays planned, whatever the mode."""
    if switches.find_stop(bytes(decision.channel_digest)) is not None:
        return ActionState.PLANNED
    return rollout.choose_state(decision.inputs.channel.peer_pubkey)


def _plan_action(run: CycleRun, decision: Decision, *, state: ActionState) -> Action:
    return Action(
        run=run,
        decision=decision,
        channel_digest=decision.channel_digest,
        state=state,
        created_at=run.finished_at,
        approved_at=run.finished_at if state == ActionState.APPROVED else None,
        expires_at=run.finished_at + ACTION_LIFETIME,
        short_channel_id=decision.inputs.channel.short_channel_id,
        policy=decision.outcome.proposed_policy,
        expected_policy=decision.inputs.channel.own_policy,
        why=decision.outcome.reason,
    )
