"""Work that goes on after its request was answered, and how far it is."""

import uuid

from django.db import models

from tenants.models.dazbox import Dazbox


class OperationKind(models.TextChoices):
    PROVISION = "provision"  # a claimed box gets its schema; one of each box


class OperationStatus(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # the last attempt; whether there will be another, the kind says


class Operation(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dazbox = models.ForeignKey(Dazbox, on_delete=models.CASCADE, related_name="operations")
    kind = models.CharField(max_length=16, choices=OperationKind.choices)
    status = models.CharField(max_length=16, choices=OperationStatus.choices, default=OperationStatus.PENDING)
    step = models.CharField(max_length=32, default="waiting", help_text="what it is at, or was at last")
    attempts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True, help_text="of the last attempt, for operators")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("created_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=["dazbox"], condition=models.Q(kind=OperationKind.PROVISION), name="operation_provision_once"
            ),
            models.CheckConstraint(condition=models.Q(kind__in=OperationKind.values), name="operation_kind_known"),
            models.CheckConstraint(
                condition=models.Q(status__in=OperationStatus.values), name="operation_status_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"
