"""The next snapshot is the judge: it confirms what was written, and ends what can no longer be."""

import datetime as dt

from msgspec.structs import replace

from nodes.engine.in_force import Handed, Verdict, judge_open, judge_sent
from nodes.engine.report import ChannelState, NodeSnapshot
from nodes.models.action import UNSETTLED_STATES, Action, ActionOutcome, ActionState
from nodes.models.channel import digest_channel
from nodes.pipeline.action import move_action, move_planned


def verify_actions(snapshot: NodeSnapshot) -> None:
    """Of the tenant we are in, in the transaction that takes the snapshot in."""
    actions = list(Action.objects.filter(state__in=UNSETTLED_STATES).order_by("created_at", "decision_id"))
    if not actions:
        return
    states = {digest_channel(channel.short_channel_id): channel for channel in snapshot.channels}
    outdated: dict[str, list[Action]] = {}
    for action in actions:
        verdict = _judge(action, states.get(bytes(action.channel_digest)), taken_at=snapshot.taken_at)
        if verdict is not None and action.state == ActionState.PLANNED:
            outdated.setdefault(verdict.reason, []).append(action)
        elif verdict is not None:
            _settle(action, verdict, channel=states.get(bytes(action.channel_digest)))
    for reason, planned in outdated.items():
        ids = [action.id for action in planned]
        move_planned(Action.objects.filter(id__in=ids), ActionState.SUPERSEDED, reason=reason)


def _judge(action: Action, channel: ChannelState | None, *, taken_at: dt.datetime) -> Verdict | None:
    present = channel.own_policy if channel else None
    if action.state != ActionState.SENT:
        return judge_open(
            action.policy, expected=action.expected_policy, present=present, is_listed=channel is not None
        )
    handed = Handed(
        policy=action.written_policy,
        wanted=action.policy,
        expected_policy=action.expected_policy,
        sent_at=action.sent_at or action.created_at,
        expires_at=action.expires_at,
        reported_at=action.reported_at,
    )
    return judge_sent(handed, present=present, is_listed=channel is not None, taken_at=taken_at)


def _settle(action: Action, verdict: Verdict, *, channel: ChannelState | None) -> None:
    known = action.outcome or ActionOutcome()
    outcome = None
    if verdict.state != "confirmed":
        outcome = replace(known, error=verdict.reason)
    elif channel is not None and known.applied_policy is not None:
        outcome = replace(known, applied_policy=channel.own_policy)  # the node's word, not what the box said of it
    moved = move_action(action, ActionState(verdict.state), reason=verdict.reason, outcome=outcome)
    if moved and verdict.state == "confirmed":
        _end_undone(action)


def _end_undone(rollback: Action) -> None:
    """What a confirmed rollback has taken back."""
    for undone in rollback.undoes.filter(state=ActionState.CONFIRMED).order_by("created_at"):
        move_action(undone, ActionState.ROLLED_BACK, reason="the node has the policy from before again")
