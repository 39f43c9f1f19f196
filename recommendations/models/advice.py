"""What a box was advised, and what its owner said to it."""

import uuid

from django.db import models
from msgspec import Struct

from recommendations.engine.advice import Advice, Kind
from recommendations.engine.feedback import Verdict
from tenants.sealing.payload import PayloadField, SealedModel


class Recommendation(SealedModel):
    """One a thing worth doing, as it stands or stood last. Its id stays when it comes back."""

    id = models.UUIDField(primary_key=True, help_text="follows from the box and what the advice is about")
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in Kind])
    since = models.DateTimeField(help_text="from when on it stands, or stood last")
    gone_at = models.DateTimeField(null=True, help_text="when it was no longer advised")
    advice: PayloadField[Advice] = PayloadField(Advice)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(kind__in=[kind.value for kind in Kind]), name="recommendation_kind_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class FeedbackDetail(Struct, frozen=True, kw_only=True):
    """`advice`: as it was when it was judged, with what it was expected to bring."""

    why: str
    advice: Advice


class Feedback(SealedModel):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    recommendation = models.ForeignKey(Recommendation, on_delete=models.CASCADE, related_name="feedback")
    verdict = models.CharField(max_length=10, choices=[(verdict.value, verdict.value) for verdict in Verdict])
    given_at = models.DateTimeField()
    given_by = models.CharField(max_length=128)
    detail: PayloadField[FeedbackDetail] = PayloadField(FeedbackDetail)

    class Meta:
        indexes = (models.Index(fields=["verdict", "-given_at"], name="feedback_newest"),)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(verdict__in=[verdict.value for verdict in Verdict]), name="feedback_verdict_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.verdict} {self.id}"
