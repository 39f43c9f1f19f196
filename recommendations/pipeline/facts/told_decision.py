"""A decision of the log as one fact."""

from nodes.engine.language.sentence import tell_decision as explain
from nodes.models.decision import Decision
from nodes.selectors.decision import action_of
from rag.engine.evidence import Evidence
from recommendations.pipeline.facts.asked import Asked


def tell_decision(row: Decision, asked: Asked, *, before: str = "") -> Evidence:
    """`before`: what is to be said first."""
    given, outcome, action = row.inputs, row.outcome, action_of(row)
    text = before + asked.tell(
        "decision",
        channel=asked.name(given.channel),
        at=row.decided_at,
        why=explain(given, outcome, language=asked.language),
        rule=outcome.rule,
        section=asked.tell("section", section=outcome.section) if outcome.section else "",
    )
    text += asked.tell("held", held_by=outcome.held_by) if outcome.held_by else ""
    if outcome.direction != "keep":
        text += asked.tell("mode_shadow") if row.run.mode == "shadow" else ""
        text += asked.tell("action", state=action.state) if action and row.run.mode != "shadow" else ""
    return asked.fact(f"decision:{row.id}", text, rule=outcome.rule, held_by=outcome.held_by)


def measure_move(row: Decision) -> int:
    """By how many ppm, up or down."""
    before, after = row.inputs.channel.own_policy, row.outcome.proposed_policy
    return abs(after.fee_rate_ppm - before.fee_rate_ppm) if before and after else 0
