"""Rows as the API shows them."""

from nodes.api.contract import ChannelView, DecisionView, JournalItem
from nodes.models.decision import Decision
from nodes.models.journal import JournalEntry
from nodes.selectors.channel import ChannelRow


def describe_channel(row: ChannelRow) -> ChannelView:
    return ChannelView(
        short_channel_id=row.channel.state.short_channel_id,
        first_seen_at=row.channel.first_seen_at,
        closed_at=row.channel.closed_at,
        state=row.channel.state,
        score=row.decision.inputs.score if row.decision else None,
        decision=describe_decision(row.decision) if row.decision else None,
    )


def describe_decision(decision: Decision) -> DecisionView:
    given, outcome = decision.inputs, decision.outcome
    return DecisionView(
        id=decision.id,
        run_id=decision.run_id,
        short_channel_id=given.channel.short_channel_id,
        decided_at=decision.decided_at,
        group=decision.group,
        direction=outcome.direction,
        section=outcome.section,
        rule=outcome.rule,
        reason=outcome.reason,
        held_by=outcome.held_by,
        current_policy=given.channel.own_policy,
        proposed_policy=outcome.proposed_policy,
        effect=outcome.effect,
        score=given.score,
        inputs=given,
    )


def describe_entry(entry: JournalEntry) -> JournalItem:
    return JournalItem(entry.id, entry.at, entry.kind, entry.detail.text, entry.detail.facts)
