"""Shapes of the older box software (dazbrel), field by field as its serde structs have them."""

import datetime as dt
from typing import Annotated, Literal, Self

from msgspec import Meta, Struct

from mcp_saas.kit.text import without_nul
from nodes.engine.report import Instant
from recommendations.engine.advice import Advice, Language, Priority
from recommendations.engine.compat import ACTION_TYPES, ActionType, Parameters, list_parameters
from recommendations.engine.performance import ChannelPerformance, Performance, PerformanceMetrics
from recommendations.engine.words.tell import tell
from recommendations.pipeline.compat import OlderAdvice, OlderResult

MAX_INSIGHTS = 5
OlderPriority = Literal["Low", "Medium", "High"]
PRIORITIES: dict[Priority, OlderPriority] = {Priority.LOW: "Low", Priority.MEDIUM: "Medium", Priority.HIGH: "High"}


class OlderRecommendation(Struct, frozen=True, kw_only=True):
    """One thing worth doing. `expected_roi_impact`: percent of the capacity concerned that doing it once brings within
    a year, its cost paid; null only where `include_unknown` asked for such.
    """

    id: str
    action_type: ActionType
    priority: OlderPriority
    expected_roi_impact: float | None
    parameters: Parameters
    created_at: dt.datetime
    description: str

    @classmethod
    def describe(cls, one: OlderAdvice, language: Language) -> Self:
        told = tell(one.advice, language)
        return cls(
            id=str(one.advice.id),
            action_type=ACTION_TYPES[one.advice.kind],
            priority=PRIORITIES[one.advice.priority],
            expected_roi_impact=one.roi,
            parameters=list_parameters(one.advice),
            created_at=one.since,
            description=f"{told.action} {told.reason}",
        )


class OlderResultBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What came of an action or a recommendation, by its id."""

    action_id: Annotated[str, Meta(max_length=200)]
    success: bool
    message: Annotated[str, without_nul(max_length=10_000)]
    timestamp: Instant

    def to_result(self) -> OlderResult:
        return OlderResult(success=self.success, message=self.message, at=self.timestamp)


class OlderResultAnswer(Struct, frozen=True):
    """`state`: of the action by now, or the word on the recommendation: done, failed."""

    action_id: str
    state: str


class OlderReportAnswer(Struct, frozen=True):
    """`why_not`: known already, or the agent has reported more within 24 hours."""

    stored: bool
    why_not: Literal["repeat", "fuller_report"] | None


class CompetitiveAnalysis(Struct, frozen=True):
    """Nobody knows what others earn."""

    vs_amboss_advantage: None = None


class Insight(Struct, frozen=True, kw_only=True):
    """A recommendation in short."""

    type: str
    impact: Priority
    description: str


class PerformanceAnswer(Struct, frozen=True, kw_only=True):
    """What the node earned over the last days. Amounts in sat; null is no data.

    `known_days`: those of `days` of which all forwards are known: the figures are of them. `roi_trend`: against as many
    days before. The fields that are always null are those of which there is no data; dazbrel makes numbers up where two
    of them are missing.
    """

    pubkey: str
    days: int
    known_days: int
    as_of: dt.datetime | None
    roi_trend: Literal["positive", "stable", "negative"] | None
    performance_metrics: PerformanceMetrics
    channels: list[ChannelPerformance]
    recommendations_count: int
    insights: list[Insight]
    competitive_analysis: CompetitiveAnalysis = CompetitiveAnalysis()
    efficiency_score: None = None
    avg_response_time: None = None
    performance_vs_network: None = None
    prediction_accuracy: None = None


def describe_insights(advice: tuple[Advice, ...], language: Language) -> list[Insight]:
    """The first few."""
    return [
        Insight(type=one.kind, impact=one.priority, description=tell(one, language).action)
        for one in advice[:MAX_INSIGHTS]
    ]


def describe_performance(found: Performance, **more: object) -> PerformanceAnswer:
    return PerformanceAnswer(
        known_days=found.known_days,
        roi_trend=found.roi_trend,
        performance_metrics=found.metrics,
        channels=list(found.channels),
        **more,  # type: ignore[arg-type]
    )
