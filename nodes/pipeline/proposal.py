"""A change somebody proposes: it passes the guards of a run, and waits for its owner's word."""

from django.db import transaction
from django.utils import timezone

from mcp_saas.kit.errors import Problem, not_found
from nodes.engine.actor import name_actor
from nodes.engine.cycle import ChannelInput
from nodes.engine.document import FeePolicy
from nodes.engine.in_force import has_same_terms
from nodes.engine.language.difference import tell_differences
from nodes.engine.proposal import Proposal, frame_proposal
from nodes.engine.report import ChannelPolicy
from nodes.engine.types import ChannelDecision
from nodes.engine.webhook.event import count_actions
from nodes.models.action import OPEN_STATES, Action, ActionKind, ActionState
from nodes.models.channel import digest_channel
from nodes.pipeline.act import ACTION_LIFETIME, supersede_open
from nodes.pipeline.action import count_steps
from nodes.pipeline.journal import note
from nodes.pipeline.preview import preview_policy
from nodes.pipeline.webhook.outbox import announce
from nodes.selectors.node import latest_policy_version, lock_own_node


@transaction.atomic
def propose_action(proposal: Proposal, *, actor: str) -> Action:
    """A planned action, with what the limits and guards of the policy in force leave of the wish.

    The same proposal again is the same action while that is planned; another one of the channel takes its place.
    Raises Problem 404 for a channel the node does not have, 409 before its first report and where nothing would change.
    """
    lock_own_node()
    given, decision = _decide(proposal)
    before, after = given.channel.own_policy, decision.proposed_policy
    if before is None or after is None or has_same_terms(before, after):
        raise Problem(409, "nothing-to-change", "Nothing would change", detail=_tell_hold(decision))
    digest = digest_channel(proposal.short_channel_id)
    earlier = Action.objects.filter(kind=ActionKind.PROPOSAL, channel_digest=digest)
    for action in earlier.filter(state=ActionState.PLANNED, expires_at__gt=timezone.now()):
        if has_same_terms(action.policy, after) and has_same_terms(action.expected_policy, before):
            return action
    supersede_open(earlier.filter(state__in=OPEN_STATES), reason="another change was proposed")
    return _plan(proposal.short_channel_id, before, after=after, actor=actor)


def _decide(proposal: Proposal) -> tuple[ChannelInput, ChannelDecision]:
    version = latest_policy_version()
    preview = preview_policy(frame_proposal(version.document if version else FeePolicy(), proposal))
    if preview is None:
        detail = "The node has not reported its channels yet."
        raise Problem(409, "wrong-state", "Not possible in this state", detail=detail)
    for given, decision in preview.pairs:
        if given.channel.short_channel_id == proposal.short_channel_id:
            return given, decision
    raise not_found("The node has no such channel.")


def _tell_hold(decision: ChannelDecision) -> str:
    held = f" ({decision.held_by})" if decision.held_by else ""
    return f"{decision.reason.rstrip('.')}{held}."


def _plan(short_channel_id: str, before: ChannelPolicy, *, after: ChannelPolicy, actor: str) -> Action:
    now = timezone.now()
    action = Action.objects.create(
        kind=ActionKind.PROPOSAL,
        channel_digest=digest_channel(short_channel_id),
        state=ActionState.PLANNED,
        created_at=now,
        expires_at=now + ACTION_LIFETIME,
        short_channel_id=short_channel_id,
        policy=after,
        expected_policy=before,
        why=f"proposed by {name_actor(actor)}: {tell_differences(before, after)}",
    )
    count_steps(ActionState.PLANNED)
    facts = {"action": str(action.id), "channel": short_channel_id, "actor": actor, "after": ActionState.PLANNED.value}
    note("action", f"Fee of {short_channel_id} is {action.why}; it waits to be approved", **facts)
    announce("action.planned", count_actions([action.id]))
    return action
