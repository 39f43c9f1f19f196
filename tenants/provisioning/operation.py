"""How far work is that outlives its request. Each note is part of the transaction of the work itself."""

from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from tenants.models.operation import Operation, OperationKind, OperationStatus


def begin_attempt(dazbox_id: UUID, kind: OperationKind, *, step: str) -> None:
    _of(dazbox_id, kind).update(status=OperationStatus.RUNNING, step=step, attempts=F("attempts") + 1, error="")


def note_success(dazbox_id: UUID, kind: OperationKind) -> None:
    _of(dazbox_id, kind).update(status=OperationStatus.SUCCEEDED, step="done", finished_at=timezone.now())


def note_failure(dazbox_id: UUID, kind: OperationKind, *, error: Exception) -> None:
    _of(dazbox_id, kind).update(status=OperationStatus.FAILED, error=f"{type(error).__name__}: {error}"[:200])


def _of(dazbox_id: UUID, kind: OperationKind) -> QuerySet[Operation]:
    return Operation.objects.filter(dazbox_id=dazbox_id, kind=kind)
