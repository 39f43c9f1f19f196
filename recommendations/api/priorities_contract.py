"""What to do first, as JSON."""

from typing import Annotated, Self
from uuid import UUID

from msgspec import Meta, Struct

from nodes.engine.report import MAX_SAT
from recommendations.engine.advice import Advice, Estimate, Kind, Language, Level, Told
from recommendations.engine.expected import ExpectedTotal
from recommendations.engine.params import Opening
from recommendations.engine.priority import Goal, Passed, Wish
from recommendations.engine.words.priority import (
    Difficulty,
    Timeframe,
    choose_timeframe,
    rate_difficulty,
    tell_metrics,
    tell_passed,
)
from recommendations.engine.words.tell import tell_left_out
from recommendations.pipeline.prioritise import Priorities


class PrioritiesBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`context`: for whom it is told. `goals`: what serves them comes first; none is all. `budget_limit`: in sat, for
    all actions together; null: no limit.
    """

    context: Level = "intermediate"
    goals: Annotated[list[Goal], Meta(max_length=5)] = []
    max_actions: Annotated[int, Meta(ge=1, le=10)] = 5
    budget_limit: Annotated[int, Meta(ge=0, le=MAX_SAT)] | None = None

    def to_wish(self) -> Wish:
        return Wish(goals=tuple(self.goals), max_actions=self.max_actions, budget_sat=self.budget_limit)


class PriorityAction(Struct, frozen=True, kw_only=True):
    """One thing to do. `priority`: 1 is first. `id`: of the recommendation; `action_id`: of the planned action that
    does it. `estimated_cost`: in sat; null: not known. `capital_sat`: what a channel to be opened locks; it stays the
    owner's and is no cost. `conflicts_with`: ids of advice that cannot be done beside it. `explanation`: a model's,
    where one was asked and its words are borne out.
    """

    priority: int
    id: UUID
    type: Kind
    action: str
    reasoning: str
    explanation: str | None
    impact: str
    estimated_impact: Estimate
    difficulty: Difficulty
    timeframe: Timeframe
    steps: list[str]
    command: str | None
    estimated_cost: int | None
    capital_sat: int
    conflicts_with: list[UUID]
    action_id: UUID | None

    @classmethod
    def describe(cls, advice: Advice, told: Told, *, priority: int, found: Priorities) -> Self:
        return cls(
            priority=priority,
            id=advice.id,
            type=advice.kind,
            action=told.action,
            reasoning=told.reason,
            explanation=found.explained.explanations.get(advice.id),
            impact=told.impact,
            estimated_impact=advice.estimated_impact,
            difficulty=rate_difficulty(advice),
            timeframe=choose_timeframe(advice),
            steps=list(told.steps),
            command=advice.command,
            estimated_cost=advice.cost_sat,
            capital_sat=advice.params.ideal_sat if isinstance(advice.params, Opening) else 0,
            conflicts_with=list(found.chosen.conflicts.get(advice.id, ())),
            action_id=advice.action_id,
        )


class PassedView(Struct, frozen=True, kw_only=True):
    """A recommendation that is not among the actions. `reason`: null for advice that was not given to begin with.

    `conflicts_with`: what cannot be done beside it.
    """

    id: UUID | None
    kind: Kind
    reason: Passed | None
    why: str
    count: int = 1
    conflicts_with: list[UUID] = []


class PrioritiesAnswer(Struct, frozen=True, kw_only=True):
    """What to do first. `openai_analysis`: null without a model. `dropped`: sentences of the model that were not borne
    out. `total_estimated_cost`: in sat; null: of one action nobody knows it. `expected`: of all actions together, no
    gain twice. `missed_at_most`: net sat a day by which the best choice can gain more; 0: none gains more.
    """

    pubkey: str
    priority_actions: list[PriorityAction]
    openai_analysis: str | None
    key_metrics: list[str]
    total_estimated_cost: int | None
    expected: ExpectedTotal
    missed_at_most: float
    model_used: str
    left_out: list[PassedView]
    dropped: int
    degraded: list[str]


def describe_priorities(pubkey: str, found: Priorities, *, language: Language) -> PrioritiesAnswer:
    explained, performance, chosen = found.explained, found.performance, found.chosen
    return PrioritiesAnswer(
        pubkey=pubkey,
        priority_actions=[
            PriorityAction.describe(advice, told, priority=number, found=found)
            for number, (advice, told) in enumerate(found.actions, start=1)
        ],
        openai_analysis=explained.analysis,
        key_metrics=tell_metrics(
            performance.metrics, len(performance.channels), days=performance.known_days, language=language
        ),
        total_estimated_cost=chosen.total_cost_sat,
        expected=chosen.expected,
        missed_at_most=chosen.missed_at_most,
        model_used=explained.model,
        left_out=[
            *(
                PassedView(
                    id=one.id,
                    kind=one.kind,
                    reason=why,
                    why=tell_passed(why, language),
                    conflicts_with=list(chosen.conflicts.get(one.id, ())),
                )
                for one, why in chosen.left_out
            ),
            *(
                PassedView(id=None, kind=one.kind, reason=None, why=tell_left_out(one, language), count=one.count)
                for one in found.uncounted
            ),
        ],
        dropped=explained.dropped,
        degraded=list(found.degraded),
    )
