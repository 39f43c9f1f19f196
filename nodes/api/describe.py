"""Rows as the API shows them."""

from nodes.api.contract import ChannelView, DecidedAction, DecisionView, JournalItem
from nodes.engine.language.sentence import Language, tell_decision
from nodes.models.decision import Decision
from nodes.models.journal import JournalEntry
from nodes.selectors.channel import ChannelRow
from nodes.selectors.decision import action_of


def describe_channel(row: ChannelRow, *, language: Language = "en") -> ChannelView:
    return ChannelView(
        short_channel_id=row.channel.state.short_channel_id,
        first_seen_at=row.channel.first_seen_at,
        closed_at=row.channel.closed_at,
        state=row.channel.state,
        score=row.decision.inputs.score if row.decision else None,
        decision=describe_decision(row.decision, language=language) if row.decision else None,
    )


def describe_decision(decision: Decision, *, language: Language = "en") -> DecisionView:
    """Of a row that `find_decisions` gave: with its run and its action."""
    given, outcome = decision.inputs, decision.outcome
    action = action_of(decision)
    return DecisionView(
        id=decision.id,
        run_id=decision.run_id,
        mode=decision.run.mode,
        short_channel_id=given.channel.short_channel_id,
        decided_at=decision.decided_at,
        group=decision.group,
        direction=outcome.direction,
        old_fee_rate_ppm=given.channel.own_policy.fee_rate_ppm if given.channel.own_policy else None,
        new_fee_rate_ppm=outcome.proposed_policy.fee_rate_ppm if outcome.proposed_policy else None,
        why=tell_decision(given, outcome, language=language),
        section=outcome.section,
        rule=outcome.rule,
        reason=outcome.reason,
        held_by=outcome.held_by,
        action=DecidedAction(action.id, action.public_state) if action else None,
        current_policy=given.channel.own_policy,
        proposed_policy=outcome.proposed_policy,
        effect=outcome.effect,
        score=given.score,
        inputs=given,
    )


def describe_entry(entry: JournalEntry) -> JournalItem:
    return JournalItem(entry.id, entry.at, entry.kind, entry.detail.text, entry.detail.facts)
