"""What is deleted goes from the index too. The rows go first, in their transaction; what it takes to find the points
again is a job or a row of its own until they are gone.
"""

import datetime as dt
from uuid import UUID

from rag.library.models import DepartedBox
from rag.models.document import Document
from rag.sources.qdrant import scope
from rag.sources.qdrant.store import Store
from tenants.context import current_tenant, leave_tenant
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.queue import LOST_AFTER


def forget_points(document_id: UUID, store: Store) -> None:
    """Of a deleted document of the tenant we are in. Raises StoreError: to be tried again."""
    if not Document.objects.filter(id=document_id).exists():
        store.delete_document(scope.own(current_tenant().id), str(document_id))


def forget_departed(dazbox_id: UUID, store: Store) -> None:
    """Points of rows that are gone, before new ones of the same box are written. Raises StoreError.

    A box in service: in its queue alone, where no step that writes points runs beside.
    """
    with leave_tenant():
        if noted := DepartedBox.objects.filter(dazbox_id=dazbox_id).first():
            store.delete_tenant(scope.departed(dazbox_id))
            DepartedBox.objects.filter(dazbox_id=dazbox_id, departed_at=noted.departed_at).delete()


def list_departed(now: dt.datetime) -> list[UUID]:
    """Boxes out of service whose points are to go, once no step begun before can write any more."""
    in_service = Dazbox.objects.filter(state=DazboxState.ACTIVE).values("id")
    rows = DepartedBox.objects.filter(departed_at__lte=now - LOST_AFTER).exclude(dazbox_id__in=in_service)
    return list(rows.order_by("departed_at").values_list("dazbox_id", flat=True))
