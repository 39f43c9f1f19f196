"""The owner's word on an advice, kept with the advice as it stood."""

from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from mcp_saas.kit.errors import not_found
from mcp_saas.kit.metrics import note_feedback
from nodes.pipeline.journal import note
from recommendations.engine.feedback import Verdict
from recommendations.models.advice import Feedback, FeedbackDetail, Recommendation
from recommendations.selectors.advice import find_recommendation


def read_recommendation(recommendation_id: UUID) -> Recommendation:
    """Also one that no longer stands. Raises Problem 404."""
    recommendation = find_recommendation(recommendation_id)
    if recommendation is None:
        raise not_found("The node has no such recommendation.")
    return recommendation


@transaction.atomic
def give_feedback(recommendation_id: UUID, verdict: Verdict, *, why: str, actor: str) -> Feedback:
    """A word more, never instead of one; the newest is shown. Raises Problem 404."""
    recommendation = read_recommendation(recommendation_id)
    feedback: Feedback = Feedback.objects.create(
        recommendation=recommendation,
        verdict=verdict,
        given_at=timezone.now(),
        given_by=actor,
        detail=FeedbackDetail(why=why, advice=recommendation.advice),
    )
    note(
        "feedback",
        f"A recommendation ({recommendation.kind}) was called {verdict.replace('_', ' ')} by {actor}",
        recommendation=str(recommendation.id),
        type=recommendation.kind,
        verdict=verdict.value,
    )
    transaction.on_commit(partial(note_feedback, recommendation.kind, verdict=verdict.value))
    return feedback
