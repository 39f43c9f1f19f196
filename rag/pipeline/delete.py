"""What is deleted goes from the index too. The rows go first, in their transaction; what it takes to find the points
again is a job or a row of its own until they are gone.
"""

from uuid import UUID

from django.dispatch import receiver

from rag.library.models import DepartedBox
from rag.models.document import Document
from rag.sources.qdrant import scope
from rag.sources.qdrant.store import Store
from tenants.context import current_tenant, leave_tenant
from tenants.events import rows_end


def forget_points(document_id: UUID, store: Store) -> None:
    """Of a deleted document of the tenant we are in. Raises StoreError: to be tried again."""
    if not Document.objects.filter(id=document_id).exists():
        store.delete_document(scope.own(current_tenant().id), str(document_id))


@receiver(rows_end, dispatch_uid="departed box")
def note_departure(*, dazbox_id: UUID, **_: object) -> None:
    """In the transaction in which its schema goes."""
    with leave_tenant():
        DepartedBox.objects.get_or_create(dazbox_id=dazbox_id)


def forget_departed(dazbox_id: UUID, store: Store) -> None:
    """Points of a schema that is gone, before new ones of the same box are written. Raises StoreError."""
    with leave_tenant():
        if DepartedBox.objects.filter(dazbox_id=dazbox_id).exists():
            store.delete_tenant(scope.departed(dazbox_id))
            DepartedBox.objects.filter(dazbox_id=dazbox_id).delete()


def list_departed() -> list[UUID]:
    return list(DepartedBox.objects.order_by("departed_at").values_list("dazbox_id", flat=True))
