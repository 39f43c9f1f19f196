"""Recommendations, words on them and what came of them, as JSON."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from mcp_saas.kit.text import without_nul
from recommendations.engine.advice import Advice, Category, Estimate, Evidence, Ground, Kind, Language, Level, Priority
from recommendations.engine.expected import ExpectedTotal
from recommendations.engine.feedback import Verdict
from recommendations.engine.follow_up import Followed
from recommendations.engine.words.follow_up import tell_why_none
from recommendations.engine.words.tell import tell
from recommendations.models.advice import Feedback

Why = Annotated[str, without_nul(max_length=1000)]


class FeedbackBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the owner says to an advice, and why."""

    verdict: Verdict
    why: Why = ""


class FeedbackView(Struct, frozen=True, kw_only=True):
    """A word on an advice."""

    recommendation_id: UUID
    verdict: Verdict
    why: str
    given_at: dt.datetime
    given_by: str

    @classmethod
    def describe(cls, row: Feedback) -> "FeedbackView":
        return cls(
            recommendation_id=row.recommendation_id,
            verdict=Verdict(row.verdict),
            why=row.detail.why,
            given_at=row.given_at,
            given_by=row.given_by,
        )


class FeedbackList(Struct, frozen=True):
    """What the owner said to one recommendation, the newest first, a hundred at most."""

    words: list[FeedbackView]


class RecommendationView(Struct, frozen=True, kw_only=True):
    """One thing worth doing. `id` stays as long as it stands, and when it comes back.

    `estimated_impact`: before `cost_sat`; null numbers are no data, `impact` says why. `effort_minutes`: of the owner,
    our assumption. `confidence`: how good the data is, by its weakest ground; no probability. `conflicts_with`: what
    cannot be done beside it, or would bring the same gain once more. `action_id`: of the planned action that does it.
    """

    id: UUID
    type: Kind
    category: Category
    subject: str  # a short channel id, a public key, or `node`
    action: str
    reason: str
    impact: str
    steps: list[str]
    priority: Priority
    estimated_impact: Estimate
    cost_sat: int | None
    effort_minutes: int
    confidence: Annotated[float, Meta(ge=0, le=1)]
    confidence_grounds: list[Ground]
    evidence: list[Evidence]
    conflicts_with: list[UUID]
    command: str | None
    action_id: UUID | None
    feedback: FeedbackView | None

    @classmethod
    def describe(
        cls,
        advice: Advice,
        language: Language,
        *,
        level: Level,
        feedback: Feedback | None,
        conflicts: Sequence[UUID] = (),
    ) -> "RecommendationView":
        told = tell(advice, language, level=level)
        return cls(
            id=advice.id,
            type=advice.kind,
            category=advice.category,
            subject=advice.subject,
            action=told.action,
            reason=told.reason,
            impact=told.impact,
            steps=list(told.steps),
            priority=advice.priority,
            estimated_impact=advice.estimated_impact,
            cost_sat=advice.cost_sat,
            effort_minutes=advice.effort,
            confidence=advice.confidence.value,
            confidence_grounds=list(advice.confidence.grounds),
            evidence=list(advice.evidence),
            conflicts_with=list(conflicts),
            command=advice.command,
            action_id=advice.action_id,
            feedback=FeedbackView.describe(feedback) if feedback else None,
        )


class LeftOutView(Struct, frozen=True, kw_only=True):
    """Advice that was not given, and why."""

    type: Kind
    reason: str
    count: int


class RecommendationList(Struct, frozen=True, kw_only=True):
    """What to do first comes first. Counts are of what is listed. `expected`: of all that is listed together, no gain
    twice: of those that exclude each other the first one counts. `as_of`: of the snapshot; null: none came yet.
    """

    pubkey: str
    recommendations: list[RecommendationView]
    total_count: int
    by_category: dict[Category, int]
    by_priority: dict[Priority, int]
    expected: ExpectedTotal
    left_out: list[LeftOutView]
    degraded: list[str]
    as_of: dt.datetime | None
    cache_hit: bool


class FeedbackCount(Struct, frozen=True, kw_only=True):
    """How often advice of a type was called what."""

    type: Kind
    useful: int
    not_useful: int
    done: int
    failed: int


class FeedbackCounts(Struct, frozen=True):
    """All types of advice, those nobody said anything to included."""

    counts: list[FeedbackCount]


class FollowUpView(Struct, frozen=True, kw_only=True):
    """Sat a day of the channels it was about, over `days` days before and as many after; `rest_*`: of all others.

    `brought`: after less before; null: nothing can be compared, and `why_none` says why.
    """

    type: Kind
    subject: str
    at: dt.datetime
    recommendation_id: UUID | None
    action_id: UUID | None
    expected: Estimate
    days: int
    before: float | None
    after: float | None
    brought: float | None
    rest_before: float | None
    rest_after: float | None
    why_none: str | None

    @classmethod
    def describe(cls, followed: Followed, language: Language) -> "FollowUpView":
        deed = followed.deed
        return cls(
            type=deed.kind,
            subject=deed.subject,
            at=deed.at,
            recommendation_id=deed.recommendation_id,
            action_id=deed.action_id,
            expected=deed.expected,
            days=followed.days,
            before=followed.before,
            after=followed.after,
            brought=followed.brought,
            rest_before=followed.rest_before,
            rest_after=followed.rest_after,
            why_none=tell_why_none(followed.why_none, language) if followed.why_none else None,
        )


class FollowUpList(Struct, frozen=True):
    """What was done in the last 60 days, the newest first."""

    follow_ups: list[FollowUpView]
