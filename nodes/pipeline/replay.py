"""Decides again from what was stored."""

from dataclasses import dataclass

from nodes.engine.replay import encode_decision, encode_input, replay_decision
from nodes.models.decision import Decision
from nodes.selectors.decision import latest_run


@dataclass(frozen=True, slots=True)
class ReplayReport:
    same: int
    differing: list[int]  # ids of decisions


def replay_run() -> ReplayReport:
    """The newest run of the tenant we are in. Raises EngineVersionError for a run of another engine."""
    decisions = Decision.objects.filter(run=latest_run()).order_by("id")
    verdicts = {
        decision.id: replay_decision(encode_input(decision.inputs), encode_decision(decision.outcome))
        for decision in decisions
    }
    return ReplayReport(sum(verdicts.values()), [id_ for id_, same in verdicts.items() if not same])
