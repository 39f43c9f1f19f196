"""From decisions to actions. Whether an action is handed to the box is the mode's business, in `rollout`."""

import datetime as dt
from collections.abc import Sequence

from nodes.engine.cycle import ChannelInput
from nodes.engine.types import ChannelDecision
from nodes.models.action import Action, ActionState
from nodes.models.channel import digest_channel
from nodes.models.decision import CycleRun, Decision
from nodes.pipeline.rollout import state_of_new_action

ACTION_LIFETIME = dt.timedelta(hours=24)


def record_decisions(
    run: CycleRun, *, inputs: Sequence[ChannelInput], outcomes: Sequence[ChannelDecision]
) -> list[Decision]:
    """Every decision with all its inputs, the ones that change nothing included."""
    return Decision.objects.bulk_create(
        Decision(
            run=run,
            channel_digest=digest_channel(given.channel.short_channel_id),
            decided_at=run.finished_at,
            inputs=given,
            outcome=outcome,
        )
        for given, outcome in zip(inputs, outcomes, strict=True)
    )


def plan_actions(run: CycleRun, decisions: Sequence[Decision]) -> list[Action]:
    """One action a change. Open actions of earlier runs are superseded: this run looked at newer data."""
    Action.objects.filter(state__in=(ActionState.PLANNED, ActionState.APPROVED)).update(state=ActionState.SUPERSEDED)
    actions = [_plan_action(run, decision) for decision in decisions if _is_change(decision)]
    return Action.objects.bulk_create(actions)


def _is_change(decision: Decision) -> bool:
    return decision.outcome.proposed_policy not in {None, decision.inputs.channel.own_policy}


def _plan_action(run: CycleRun, decision: Decision) -> Action:
    return Action(
        decision=decision,
        state=state_of_new_action(run.mode),
        created_at=run.finished_at,
        expires_at=run.finished_at + ACTION_LIFETIME,
        policy=decision.outcome.proposed_policy,
        expected_policy=decision.inputs.channel.own_policy,
    )
