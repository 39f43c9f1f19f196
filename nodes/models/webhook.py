"""Webhooks: endpoints of the owner, what happened, and each thing's way to each endpoint."""

import uuid

from django.db import models

from nodes.engine.webhook.endpoint import Attempt, Secrets, Target
from tenants.sealing.payload import PayloadField, SealedModel


class DisabledBy(models.TextChoices):
    """Nothing is sent; empty: it is on."""

    OWNER = "owner"
    GONE = "gone"  # it answered 410
    FAILED = "failed"  # nothing was delivered for a whole retry plan


class DeliveryState(models.TextChoices):
    WAITING = "waiting"
    DELIVERED = "delivered"
    PARKED = "parked"  # not sent any more, unless it is replayed


class WebhookEndpoint(SealedModel):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    created_at = models.DateTimeField()
    disabled_by = models.CharField(max_length=8, choices=DisabledBy.choices, blank=True)
    failures = models.IntegerField(default=0, help_text="times in a row in which it did not answer")
    paused_until = models.DateTimeField(null=True, help_text="until then nothing is tried: it did not answer")
    is_slow = models.BooleanField(default=False, help_text="its last answer took long, or did not come")
    tried_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    target: PayloadField[Target] = PayloadField(Target)
    secrets: PayloadField[Secrets] = PayloadField(Secrets, is_secret=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(disabled_by__in=["", *DisabledBy.values]), name="webhook_disabled_by_known"
            ),
        )

    def __str__(self) -> str:
        return f"webhook {self.id}"


class WebhookMessage(SealedModel):
    """One thing that happened, told to as many endpoints as want it: the same id and body for all, every time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    event = models.CharField(max_length=32)
    at = models.DateTimeField()
    body: PayloadField[str] = PayloadField(str)

    def __str__(self) -> str:
        return f"{self.event} {self.id}"

    @property
    def public_id(self) -> str:
        """The header `webhook-id`."""
        return f"msg_{self.id.hex}"


class WebhookDelivery(SealedModel):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    message = models.ForeignKey(WebhookMessage, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    created_at = models.DateTimeField()
    began_at = models.DateTimeField(help_text="when the present retry plan began")
    due_at = models.DateTimeField()
    attempts = models.IntegerField(default=0, help_text="of the present plan, begun")
    settled_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=100, blank=True)
    log: PayloadField[tuple[Attempt, ...]] = PayloadField(tuple[Attempt, ...])

    class Meta:
        indexes = (
            models.Index(fields=["state", "due_at"], name="webhook_delivery_due"),
            models.Index(fields=["endpoint", "created_at", "id"], name="webhook_delivery_log"),
        )
        constraints = (
            models.UniqueConstraint(fields=["endpoint", "message"], name="webhook_delivery_once"),
            models.CheckConstraint(condition=models.Q(state__in=DeliveryState.values), name="webhook_state_known"),
        )

    def __str__(self) -> str:
        return f"{self.state} delivery {self.id}"
