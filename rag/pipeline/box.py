"""What happens to a box, and what it means for its documents and their points.

Imported by every process, `manage.py` too: what speaks to the index is imported where it is needed.
"""

from uuid import UUID

from django.dispatch import receiver
from django.utils import timezone

from rag.engine.state import UNFINISHED, DocumentState
from rag.library.models import DepartedBox
from rag.models.document import Document, DocumentChunk
from tenants.context import TenantRef, enter_tenant, leave_tenant
from tenants.events import older_seals_asked, rows_end, rows_return, sealing_asked
from tenants.queue import queue_job

FORGET_TASK, INDEX_TASK = "rag.tasks.forget_departed_box", "rag.tasks.index_document"


@receiver(rows_end, dispatch_uid="departed box")
def note_departure(*, dazbox_id: UUID, **_: object) -> None:
    """In the transaction in which its rows go: its points go once that is committed, the rows may come back or not."""
    with leave_tenant():
        DepartedBox.objects.update_or_create(dazbox_id=dazbox_id, defaults={"departed_at": timezone.now()})
    queue_job(dazbox_id, FORGET_TASK, args=[])


@receiver(rows_return, dispatch_uid="documents return")
def index_anew(*, tenant: TenantRef, **_: object) -> None:
    """In the transaction in which its rows come back: whatever points there were are not those of these rows."""
    with enter_tenant(tenant):
        DocumentChunk.objects.exclude(indexed_by="").update(indexed_by="")
        Document.objects.filter(state__in=[DocumentState.EMBEDDING, DocumentState.READY]).update(
            state=DocumentState.EMBEDDING, state_since=timezone.now(), embedded_count=0, attempts=0
        )
        for document_id in Document.objects.filter(state__in=UNFINISHED).values_list("id", flat=True):
            queue_job(tenant.id, INDEX_TASK, args=[str(document_id)])


@receiver(older_seals_asked, dispatch_uid="older points")
def has_older_points(**_: object) -> bool:
    """Of the tenant we are in. Raises ElsewhereError while the index is down."""
    from rag.pipeline.reseal import has_older

    return has_older()


@receiver(sealing_asked, dispatch_uid="points sealed anew")
def seal_next_points(**_: object) -> int:
    """The next batch of the tenant we are in. Raises ElsewhereError while the index is down."""
    from rag.pipeline.reseal import seal_next

    return seal_next()
