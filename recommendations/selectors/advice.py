"""What the box of the tenant we are in was advised, and what its owner said to it."""

import datetime as dt
from collections.abc import Collection, Iterable
from uuid import UUID

from django.db.models import Count

from recommendations.engine.advice import Kind
from recommendations.engine.feedback import Verdict
from recommendations.models.advice import Feedback, Recommendation

MAX_DONE = 50
MAX_WORDS = 100  # on one recommendation


def find_recommendation(recommendation_id: UUID) -> Recommendation | None:
    return Recommendation.objects.filter(id=recommendation_id).first()


def find_since(ids: Iterable[UUID]) -> dict[UUID, dt.datetime]:
    """From when on each stands, by its id."""
    return dict(Recommendation.objects.filter(id__in=list(ids)).values_list("id", "since"))


def list_done(since: dt.datetime) -> list[Feedback]:
    """What the owner said was done from then on, newest first, at most 50. Said again it is one: the first word of the
    span counts, from which on it is followed.
    """
    said = Feedback.objects.filter(verdict=Verdict.DONE, given_at__gte=since)
    first = said.order_by("recommendation_id", "given_at", "id").distinct("recommendation_id").values("id")
    return list(Feedback.objects.filter(id__in=first).order_by("-given_at", "id")[:MAX_DONE])


def find_last_done() -> dict[UUID, tuple[Kind, dt.datetime]]:
    """When each was last said to be done, by the id of the recommendation."""
    rows = Feedback.objects.filter(verdict=Verdict.DONE).order_by("given_at")
    told = rows.values_list("recommendation_id", "recommendation__kind", "given_at")
    return {recommendation_id: (Kind(kind), given_at) for recommendation_id, kind, given_at in told}


def find_judged(ids: Iterable[UUID]) -> frozenset[UUID]:
    """Which of them the owner has said something to."""
    rows = Feedback.objects.filter(recommendation_id__in=list(ids))
    return frozenset(rows.values_list("recommendation_id", flat=True))


def find_verdicts(ids: Collection[UUID]) -> dict[UUID, Feedback]:
    """The newest word on each, by its id."""
    if not ids:
        return {}
    rows = Feedback.objects.filter(recommendation_id__in=list(ids)).order_by("given_at", "id")
    return {row.recommendation_id: row for row in rows}


def list_feedback(recommendation: Recommendation) -> list[Feedback]:
    """What was said to it, newest first, at most 100."""
    return list(recommendation.feedback.order_by("-given_at", "id")[:MAX_WORDS])


def count_feedback() -> dict[Kind, dict[Verdict, int]]:
    """Of all kinds, those nobody said anything to included."""
    counted = dict.fromkeys(((kind, verdict) for kind in Kind for verdict in Verdict), 0)
    rows = Feedback.objects.values_list("recommendation__kind", "verdict").annotate(count=Count("id"))
    counted |= {(Kind(kind), Verdict(verdict)): count for kind, verdict, count in rows}
    return {kind: {verdict: counted[kind, verdict] for verdict in Verdict} for kind in Kind}
