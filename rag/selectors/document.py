"""Questions about the documents of the tenant we are in."""

import datetime as dt
from uuid import UUID

from django.db.models import Q, Sum

from rag.models.document import Document

MAX_STATES = 500
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def find_document(document_id: UUID) -> Document | None:
    return Document.objects.filter(id=document_id).first()


def list_documents(*, after: str | None, limit: int) -> list[Document]:
    """The oldest first, from the one after `after` (`name_place`) on: `limit` of them."""
    rows = Document.objects.order_by("created_at", "id")
    if after is not None:
        microseconds, _, document_id = after.partition(".")
        at = EPOCH + dt.timedelta(microseconds=int(microseconds))
        rows = rows.filter(Q(created_at__gt=at) | Q(created_at=at, id__gt=UUID(document_id)))
    return list(rows[:limit])


def name_place(document: Document) -> str:
    """Where it stands in the list."""
    return f"{(document.created_at - EPOCH) // dt.timedelta(microseconds=1)}.{document.id}"


def sum_sizes() -> int:
    """Bytes of all documents, as they were sent."""
    return Document.objects.aggregate(total=Sum("size_bytes"))["total"] or 0


def list_states() -> list[tuple[object, ...]]:
    """How far each of the newest documents is, without opening anything that is sealed."""
    columns = ("id", "state", "version", "size_bytes", "embedded_count", "chunk_count", "attempts", "state_since")
    return list(Document.objects.order_by("-state_since").values_list(*columns)[:MAX_STATES])
