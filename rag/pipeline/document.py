"""Documents of the tenant we are in come, are replaced, and go. What is made of them is `rag.pipeline.index`."""

from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone
from msgspec import Struct
from msgspec.structs import replace

from mcp_saas.api.lock import lock_name
from mcp_saas.kit.errors import Problem
from rag.engine.state import DocumentState
from rag.models.document import Document, DocumentChunk, DocumentDetail, DocumentUpload, EmbeddedText
from rag.pipeline.quota import check_room
from tenants.sealing.tenant import current_keys


class Offer(Struct, frozen=True, kw_only=True):
    """A document as it is sent. `media_type`: one of rag.sources.parser.sniff.MEDIA_TYPES."""

    title: str
    media_type: str
    content: bytes


@transaction.atomic
def add_document(offer: Offer) -> tuple[Document, bool]:
    """The document, and whether there is work to do on it: queued, it waits for `index_document`.

    The same bytes again are the same document; one that failed is tried again. Raises Problem 429 beyond the plan.
    """
    known = Document.objects.select_for_update().filter(digest=_digest(offer)).first()
    if known is not None:
        return known, known.state == DocumentState.FAILED and _restart(known, offer)
    document_id = uuid4()
    check_room(document_id, len(offer.content), is_new=True)
    try:
        with transaction.atomic():
            document = _create(document_id, offer)
    except IntegrityError:  # the same bytes, at the same time
        return Document.objects.get(digest=_digest(offer)), False
    DocumentUpload.objects.create(document=document, content=offer.content)
    _hold_to_plan(document, is_new=True)
    return document, True


@transaction.atomic
def replace_document(document_id: UUID, offer: Offer) -> Document | None:
    """A new version, queued; until it is ready the one before is found. None: no such document.

    Raises Problem 409 for the bytes of another document, 429 beyond the plan.
    """
    document = Document.objects.select_for_update().filter(id=document_id).first()
    if document is None:
        return None
    if Document.objects.filter(digest=_digest(offer)).exclude(id=document_id).exists():
        raise Problem(409, "document-exists", "The document is there already", detail="Another one has these bytes.")
    check_room(document_id, len(offer.content), is_new=False)
    _restart(document, offer)
    _hold_to_plan(document, is_new=False)
    return document


@transaction.atomic
def delete_document(document_id: UUID) -> bool:
    """Its rows, chunks and what they alone were embedded to. Its points are for `rag.pipeline.delete`. False: no such
    document.
    """
    found = Document.objects.select_for_update().filter(id=document_id).first()
    if found is None:
        return False
    found.delete()
    forget_unused_vectors()
    return True


def forget_unused_vectors() -> None:
    """What no chunk was embedded to any more."""
    EmbeddedText.objects.exclude(digest__in=DocumentChunk.objects.values("digest")).delete()


def _create(document_id: UUID, offer: Offer) -> Document:
    now = timezone.now()
    return Document.objects.create(
        id=document_id,
        digest=_digest(offer),
        state=DocumentState.QUEUED,
        size_bytes=len(offer.content),
        created_at=now,
        changed_at=now,
        state_since=now,
        detail=DocumentDetail(title=offer.title, media_type=offer.media_type),
    )


def _hold_to_plan(document: Document, *, is_new: bool) -> None:
    """Once more when all is written, one after the other: two at once cannot both be the last one allowed, and nobody
    waits while ten megabytes are written.
    """
    lock_name("documents")
    check_room(document.id, document.size_bytes, is_new=is_new)


def _restart(document: Document, offer: Offer) -> bool:
    now = timezone.now()
    document.digest = _digest(offer)
    document.size_bytes = len(offer.content)
    document.version += 1
    document.state, document.state_since, document.changed_at = DocumentState.QUEUED, now, now
    document.embedded_count = document.attempts = 0
    document.detail = DocumentDetail(title=offer.title, media_type=offer.media_type)
    document.save()
    DocumentUpload.objects.filter(document=document).delete()
    DocumentUpload.objects.create(document=document, content=offer.content)
    return True


def _digest(offer: Offer) -> bytes:
    return current_keys().digest("document", offer.media_type.encode() + b"\0" + offer.content)


def with_reason(detail: DocumentDetail, code: str, *, reason: str) -> DocumentDetail:
    return replace(detail, reason_code=code, reason=reason[:500])
