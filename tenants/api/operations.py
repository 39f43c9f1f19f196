"""What became of work that outlived its request."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from mcp_saas.api.body import answer
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import ApiView, principal_of
from mcp_saas.kit.errors import not_found
from tenants.api.contract.device import OperationAnswer
from tenants.api.owner import is_staff, may_read, owner_of
from tenants.models.dazbox import UNBUILT_STATES, Dazbox
from tenants.models.operation import Operation, OperationKind, OperationStatus

RETRY_S = {OperationStatus.PENDING: 2, OperationStatus.RUNNING: 2, OperationStatus.FAILED: 60}  # tried again by itself


class OperationView(ApiView):
    rate_class = "provisioning"
    permission_classes = (may_read,)

    @endpoint(
        "get_operation",
        summary="How far a piece of work is; with Retry-After while it is not over",
        tag="provisioning",
        answers={200: OperationAnswer},
        problems=(404, 410),
    )
    def get(self, request: Request, operation_id: UUID) -> HttpResponse:
        """Staff see what went wrong inside, the owner that it did and is tried again. A box that is not in service yet
        can watch its own.
        """
        row = _find(request, operation_id)
        return answer(_describe(row, shows_error=is_staff(request)), headers=tell_when(row))


def find_provisioning(dazbox: Dazbox) -> Operation:
    row: Operation = Operation.objects.get(dazbox=dazbox, kind=OperationKind.PROVISION)
    return row


def tell_when(row: Operation) -> dict[str, str]:
    """When to look again; nothing where all is over."""
    retry_s = RETRY_S.get(OperationStatus(row.status))
    return {"Retry-After": str(retry_s)} if retry_s else {}


def _find(request: Request, operation_id: UUID) -> Operation:
    """For staff, the owner, and a box itself before it is in service. Raises Problem 401, 403, 404 or 410."""
    row: Operation | None = Operation.objects.select_related("dazbox").filter(id=operation_id).first()
    dazbox = row.dazbox if row else None
    own = principal_of(request).tenant_id
    is_itself = dazbox is not None and dazbox.id == own and dazbox.state in UNBUILT_STATES
    is_theirs = is_staff(request) or is_itself or owner_of(request) == getattr(dazbox, "owner_id", None)
    if row is None or not is_theirs:
        raise not_found("There is no such operation.")
    return row


def _describe(row: Operation, *, shows_error: bool) -> OperationAnswer:
    """What went wrong inside is for those who can mend it."""
    status: Any = row.status  # the database knows no other than OperationStatus
    error = row.error if shows_error else "The last attempt failed; it is tried again." * bool(row.error)
    return OperationAnswer(
        operation_id=row.id,
        device_id=row.dazbox_id,
        kind=row.kind,
        status=status,
        step=row.step,
        attempts=row.attempts,
        error=error or None,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
