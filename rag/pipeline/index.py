"""A document becomes passages that are found: queued > parsing > embedding > ready, or failed with a reason.

    1. an attempt is noted, as if its worker had died
    2. it is parsed and cut, all its chunks written in one transaction; then batch after batch of them:
    3. vectors from the cache, else from the model, kept at once
    4. points to the index, then the chunks are marked
    5. points of the version before go, and it is ready

Every step bears being done again: a killed worker, a provider that says 429 or an index that is down cost the batch
that was begun and nothing before it. Only the document's own row says how far it is.
"""

import datetime as dt
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import OperationalError, transaction
from django.utils import timezone

from rag.engine.chunk import cut
from rag.engine.clean import clean_text
from rag.engine.state import UNFINISHED, DocumentState
from rag.engine.types import Section
from rag.models.document import Document, DocumentChunk, DocumentUpload
from rag.pipeline.delete import forget_departed
from rag.pipeline.document import forget_unused_vectors, with_reason
from rag.pipeline.point import BATCH, Index, embed_chunks, identify, make_chunk, write_points
from rag.pipeline.quota import find_chunk_excess
from rag.sources.embedder import EmbedderError
from rag.sources.parser.child import parse_document
from rag.sources.parser.errors import UnreadableError
from rag.sources.qdrant import scope
from rag.sources.qdrant.errors import StoreError
from tenants.context import current_tenant

log = structlog.get_logger(__name__)
MAX_ATTEMPTS = 12  # without progress; with the pauses below two hours
DEATH_COUNTS = 3  # attempts: what kills its worker is given up after four
FIRST_PAUSE, LONGEST_PAUSE = dt.timedelta(seconds=5), dt.timedelta(minutes=15)
DIED, DIED_WORDS = "interrupted", "The work on it was interrupted."
UNAVAILABLE, UNAVAILABLE_WORDS = "unavailable", "The index or the embedding model does not answer at the moment."
INTERNAL, INTERNAL_WORDS = "internal", "A fault of ours, which we have been told of. Send it again in a few days."


class Again(NamedTuple):
    """There is more to do, not before `at`."""

    at: dt.datetime


def advance(document_id: UUID, index: Index) -> Again | None:
    """One step of a document of the tenant we are in. None: nothing is left to do."""
    document = _begin(document_id)
    if document is None:
        return None
    try:
        if document.state == DocumentState.EMBEDDING:
            _embed_batch(document, index)
        else:
            _cut_document(document)
    except UnreadableError as error:
        return _fail(document, error.code, reason=str(error))
    except (StoreError, EmbedderError, OperationalError) as error:
        return _postpone(document, error)
    except Exception:
        log.exception("document_failed_by_us", document=str(document.id))
        return _fail(document, INTERNAL, reason=INTERNAL_WORDS)
    return Again(timezone.now())


@transaction.atomic
def _begin(document_id: UUID) -> Document | None:
    document = Document.objects.select_for_update().filter(id=document_id, state__in=UNFINISHED).first()
    if document is None:
        return None
    document.attempts += DEATH_COUNTS if document.detail.reason_code == DIED else 1
    if document.attempts > MAX_ATTEMPTS:
        _fail(document, document.detail.reason_code, reason=document.detail.reason)
        return None
    if document.state == DocumentState.QUEUED:
        document.state, document.state_since = DocumentState.PARSING, timezone.now()
    before = document.detail
    document.detail = with_reason(before, DIED, reason=DIED_WORDS)
    document.save(update_fields=["attempts", "state", "state_since", "detail"])
    return document


def _cut_document(document: Document) -> None:
    content = DocumentUpload.objects.get(document=document).content
    sections = parse_document(content, document.detail.media_type)
    chunks = cut([_head(section, title=document.detail.title) for section in sections])
    if excess := find_chunk_excess(document, len(chunks)):
        raise UnreadableError("too-large", excess)
    _write_chunks(document, [make_chunk(document, chunk) for chunk in chunks])


def _head(section: Section, *, title: str) -> Section:
    """The document's title stands above its headings, unless the first of them is the title."""
    path = section.heading_path
    return section if path and path[0].casefold() == title.casefold() else Section((title, *path), section.text)


@transaction.atomic
def _write_chunks(document: Document, chunks: list[DocumentChunk]) -> None:
    if not _is_current(document):
        return
    DocumentChunk.objects.filter(document=document).delete()
    DocumentChunk.objects.bulk_create(chunks, batch_size=500)
    DocumentUpload.objects.filter(document=document).delete()
    document.state, document.state_since = DocumentState.EMBEDDING, timezone.now()
    document.chunk_count, document.embedded_count = len(chunks), 0
    _note_progress(document)


def _embed_batch(document: Document, index: Index) -> None:
    waiting = DocumentChunk.objects.filter(document=document).exclude(indexed_by=index.name).order_by("position")
    batch = list(waiting[:BATCH])
    if not batch:
        _finish(document, index)
        return
    forget_departed(current_tenant().id, index.store)
    vectors = embed_chunks(batch, index)
    write_points(document, batch, vectors=vectors, index=index)
    with transaction.atomic():
        if _is_current(document):
            DocumentChunk.objects.filter(id__in=[chunk.id for chunk in batch]).update(indexed_by=index.name)
            document.embedded_count = DocumentChunk.objects.filter(document=document, indexed_by=index.name).count()
            _note_progress(document)


def _finish(document: Document, index: Index) -> None:
    own = scope.own(current_tenant().id)
    index.store.delete_document(own, identify(document), but_version=document.version)
    with transaction.atomic():
        if _is_current(document):
            forget_unused_vectors()
            document.state, document.state_since = DocumentState.READY, timezone.now()
            _note_progress(document)


def _is_current(document: Document) -> bool:
    """False where it was deleted or replaced meanwhile: then what we hold is of no use. Holds its row."""
    rows = Document.objects.select_for_update().filter(id=document.id, version=document.version)
    return rows.values_list("id").first() is not None


def _note_progress(document: Document) -> None:
    document.attempts = 0
    document.detail = with_reason(document.detail, "", reason="")
    document.save(update_fields=["attempts", "detail", "state", "state_since", "chunk_count", "embedded_count"])


@transaction.atomic
def _postpone(document: Document, error: Exception) -> Again | None:
    """That it waits shows beside its state meanwhile; an error's words may hold what was sent."""
    level = log.warning if _may_pass(error) else log.error
    level("document_postponed", document=str(document.id), error=type(error).__name__, exc_info=error)
    if not _is_current(document):
        return Again(timezone.now())
    document.detail = with_reason(document.detail, UNAVAILABLE, reason=UNAVAILABLE_WORDS)
    document.save(update_fields=["detail"])
    if document.attempts >= MAX_ATTEMPTS:
        return _fail(document, UNAVAILABLE, reason=UNAVAILABLE_WORDS)
    pause = min(FIRST_PAUSE * 2 ** (document.attempts - 1), LONGEST_PAUSE)
    asked = dt.timedelta(seconds=getattr(error, "retry_after_s", None) or 0)
    return Again(timezone.now() + max(pause, min(asked, LONGEST_PAUSE)))


def _may_pass(error: Exception) -> bool:
    """False: a setting is wrong. Whoever runs the service is told, and the document waits for them."""
    return not getattr(error, "permanent", False) and getattr(error, "is_temporary", True)


@transaction.atomic
def _fail(document: Document, code: str, *, reason: str) -> None:
    """Its bytes are not kept: who sends them again has it tried again."""
    if not _is_current(document):
        return
    document.state, document.state_since = DocumentState.FAILED, timezone.now()
    document.detail = with_reason(document.detail, code, reason=clean_text(reason))
    document.save(update_fields=["state", "state_since", "detail", "attempts"])
    DocumentUpload.objects.filter(document=document).delete()
    log.info("document_failed", document=str(document.id), reason=code)
