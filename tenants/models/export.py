"""Exports a box's owner asked for. The archive itself lies in the box's own schema."""

import uuid

from django.db import models

from tenants.models.dazbox import Dazbox
from tenants.models.owner import Owner


class ExportState(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


class Export(models.Model):
    """Everything about one box at one moment, to be fetched until `expires_at`; then row and archive go."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dazbox = models.ForeignKey(Dazbox, on_delete=models.CASCADE, related_name="exports")
    owner = models.ForeignKey(
        Owner, on_delete=models.CASCADE, related_name="+", help_text="who asked: a later owner does not see it"
    )
    state = models.CharField(max_length=8, choices=ExportState.choices, default=ExportState.PENDING)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True, help_text="of the last attempt")
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    table_count = models.PositiveIntegerField(default=0)
    row_count = models.PositiveBigIntegerField(default=0)
    chunk_count = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, help_text="of the archive")

    class Meta:
        indexes = (
            models.Index(fields=["expires_at"], name="export_expiry"),
            models.Index(fields=["state", "started_at"], name="export_unfinished"),
        )
        constraints = (
            models.CheckConstraint(condition=models.Q(state__in=ExportState.values), name="export_state_known"),
        )

    def __str__(self) -> str:
        return f"{self.state} export {self.id}"
