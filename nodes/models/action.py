"""What would be (in later modes: is) written to the node."""

import uuid

from django.db import models

from nodes.engine.report import ChannelPolicy
from nodes.models.decision import Decision
from nodes.models.payload import PayloadField, SealedModel


class ActionState(models.TextChoices):
    PLANNED = "planned"  # recorded; in shadow mode it stays here
    APPROVED = "approved"  # handed over to the box when it asks
    SUPERSEDED = "superseded"  # a later run decided anew


class Action(SealedModel):
    """`expected_policy` is what the node had when we decided: the box refuses if its own differs, undo restores it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    decision = models.OneToOneField(Decision, on_delete=models.CASCADE, related_name="action")
    state = models.CharField(max_length=12, choices=ActionState.choices, default=ActionState.PLANNED)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    policy: PayloadField[ChannelPolicy] = PayloadField(ChannelPolicy)
    expected_policy: PayloadField[ChannelPolicy] = PayloadField(ChannelPolicy)

    class Meta:
        indexes = (models.Index(fields=["state", "created_at"], name="action_open"),)
        constraints = (
            models.CheckConstraint(condition=models.Q(state__in=ActionState.values), name="action_state_known"),
        )

    def __str__(self) -> str:
        return f"{self.state} action {self.id}"
