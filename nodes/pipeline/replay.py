"""Decides again from what was stored."""

from dataclasses import dataclass

from nodes.engine import replay
from nodes.models.decision import Decision
from nodes.selectors.decision import latest_run


@dataclass(frozen=True, slots=True)
class ReplayReport:
    same: int
    differing: list[int]  # ids of decisions


def replay_run() -> ReplayReport:
    """The newest run of the tenant we are in. Raises EngineVersionError for a run of another engine."""
    run = latest_run()
    if run is None:
        return ReplayReport(0, [])
    decisions = list(Decision.objects.filter(run=run).order_by("id"))
    verdicts = replay.replay_run(
        replay.encode(run.context),
        [replay.encode(decision.inputs) for decision in decisions],
        encoded_decisions=[replay.encode(decision.outcome) for decision in decisions],
    )
    differing = [decision.id for decision, is_same in zip(decisions, verdicts, strict=True) if not is_same]
    return ReplayReport(len(verdicts) - len(differing), differing)
