"""The shared library: texts with their licences become passages that every box may find and quote.

Files are compared by their hash; unchanged ones are skipped. Writing the rows and filling the index are two things: a
load that was cut off goes on where it was, whoever goes on with it.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from msgspec import Struct

from rag.engine.chunk import cut
from rag.engine.language import detect_language
from rag.engine.state import DocumentState
from rag.engine.types import Section
from rag.library.models import LibraryChunk, LibraryDocument, LibraryEmbedding
from rag.pipeline.library_point import BATCH, embed_chunks, make_chunk, write_points
from rag.pipeline.point import Index, open_index
from rag.sources.corpus.file import LibraryFile
from rag.sources.corpus.product import read_product_texts
from rag.sources.parser.child import parse_document
from rag.sources.parser.errors import UnreadableError
from rag.sources.qdrant import scope
from tenants.context import leave_tenant

log = structlog.get_logger(__name__)
PRODUCT = "product"
TURN = dt.timedelta(seconds=15)


class Loaded(Struct, kw_only=True):
    """What a load did with the files. `refused`: by path, why."""

    written: int = 0
    unchanged: int = 0
    refused: dict[str, str] = {}
    paths: list[str] = []


def load_files(collection: str, files: Iterable[LibraryFile]) -> Loaded:
    """Chunks of what is new or has changed, waiting for `fill_index`. Each file is a transaction of its own."""
    loaded = Loaded(refused={}, paths=[])
    known = dict(LibraryDocument.objects.filter(collection=collection).values_list("path", "sha256"))
    for file in files:
        loaded.paths.append(file.path)
        if known.get(file.path) == file.sha256:
            loaded.unchanged += 1
            continue
        try:
            _write_file(collection, file)
            loaded.written += 1
        except UnreadableError as error:
            loaded.refused[file.path] = str(error)
    return loaded


def fill_index(
    index: Index, *, until: dt.datetime | None = None, show: Callable[[int, int], object] | None = None
) -> int:
    """Points of all chunks that have none of this model yet, as far as the time goes. Returns how many. `show` is told
    how many are done, of how many.

    Raises StoreError, and what the model raises: what was done until then stays done.
    """
    count = 0
    waiting = LibraryChunk.objects.exclude(indexed_by=index.name).select_related("document")
    while (until is None or timezone.now() < until) and (
        batch := list(waiting.order_by("document_id", "position")[:BATCH])
    ):
        write_points(batch, vectors=embed_chunks(batch, index), index=index)
        LibraryChunk.objects.filter(id__in=[chunk.id for chunk in batch]).update(indexed_by=index.name)
        count += len(batch)
        if show:
            show(count, count + waiting.count())
    _finish_documents(index)
    return count


def prune(collection: str, index: Index, *, keep: Iterable[str]) -> int:
    """Files that are not there any more go: points first, so that a cut-off call is repeated. Returns how many."""
    gone = list(LibraryDocument.objects.filter(collection=collection).exclude(path__in=list(keep)))
    for document in gone:
        index.store.delete_document(scope.shared(), str(document.id))
        document.delete()
    if gone:
        LibraryEmbedding.objects.exclude(sha256__in=LibraryChunk.objects.values("sha256")).delete()
    return len(gone)


def tend_library() -> int:
    """The product's own text as this release has it, then the index, for a quarter of a minute. Returns the chunks.

    Raises what `fill_index` raises: the next call goes on.
    """
    loaded = load_files(PRODUCT, read_product_texts())
    is_stale = LibraryDocument.objects.filter(collection=PRODUCT).exclude(path__in=loaded.paths).exists()
    index = open_index()
    if is_stale:
        prune(PRODUCT, index, keep=loaded.paths)
    return fill_index(index, until=timezone.now() + TURN)


def _write_file(collection: str, file: LibraryFile) -> None:
    sections = list(file.sections) or parse_document(file.content, file.media_type)
    chunks = cut([_head(section, title=file.title) for section in sections])
    lang = file.lang or detect_language("\n".join(section.text for section in sections))
    facts = {
        "sha256": file.sha256,
        "title": file.title,
        "lang": lang,
        "source": file.source,
        "licence": file.licence,
        "attribution": file.attribution,
        "state": DocumentState.EMBEDDING,
        "chunk_count": len(chunks),
        "loaded_at": timezone.now(),
    }
    with transaction.atomic():
        document, is_new = LibraryDocument.objects.update_or_create(
            collection=collection, path=file.path, defaults=facts
        )
        if not is_new:
            LibraryDocument.objects.filter(id=document.id).update(version=F("version") + 1)
            LibraryChunk.objects.filter(document=document).delete()
        LibraryChunk.objects.bulk_create([make_chunk(document, chunk) for chunk in chunks], batch_size=500)


def is_being_read() -> bool:
    """Whether texts of it still wait for their vectors, as in the first minute of an instance."""
    with leave_tenant():
        return LibraryChunk.objects.filter(indexed_by="").exists()


def find_known_chunks(ids: Collection[UUID]) -> set[UUID]:
    """Which of them are passages of the library."""
    with leave_tenant():
        return set(LibraryChunk.objects.filter(id__in=ids).values_list("id", flat=True))


def _head(section: Section, *, title: str) -> Section:
    path = section.heading_path
    return section if path and path[0].casefold() == title.casefold() else Section((title, *path), section.text)


def _finish_documents(index: Index) -> None:
    waiting = LibraryChunk.objects.exclude(indexed_by=index.name).values("document_id")
    for document in LibraryDocument.objects.filter(state=DocumentState.EMBEDDING).exclude(id__in=waiting):
        index.store.delete_document(scope.shared(), str(document.id), but_version=document.version)
        done = LibraryDocument.objects.filter(id=document.id, version=document.version)
        done.update(state=DocumentState.READY)
