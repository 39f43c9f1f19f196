"""Another embedding model is in force: what was embedded with the one before gets its vectors, and searches go on.

The index is filled beside the old vectors (`rag.sources.qdrant.migration`); cut off, calling again goes on.
"""

from collections.abc import Callable, Sequence

from rag.engine.clean import redact
from rag.engine.types import Chunk
from rag.library.models import LibraryChunk
from rag.models.document import DocumentChunk
from rag.sources.embedder import Embedded, Embedder
from rag.sources.qdrant import scope
from rag.sources.qdrant.border import Border
from rag.sources.qdrant.migration import begin_migration
from rag.sources.qdrant.point import Content
from tenants.context import enter_tenant
from tenants.selectors import list_share


def migrate_index(border: Border, prefix: str, *, embedder: Embedder, show: Callable[[str, int], object]) -> bool:
    """1. the library  2. box after box  3. the new model is in force. `show` is told whose points were embedded anew.

    False where nothing is left to migrate. Raises StoreError and EmbedderError: what was done until then stays done.
    """
    migration = begin_migration(border, prefix, model=embedder.model)
    if migration is None:
        return False
    show("library", migration.backfill(scope.shared(), lambda contents: _embed_plain(contents, embedder)))
    boxes = list_share(0, of=1)
    for tenant in boxes:
        with enter_tenant(tenant):
            count = migration.backfill(scope.own(tenant.id), lambda contents: _embed_redacted(contents, embedder))
        show(str(tenant.id), count)
    migration.finish()
    LibraryChunk.objects.exclude(indexed_by="").update(indexed_by=embedder.model.id)
    for tenant in boxes:
        with enter_tenant(tenant):
            DocumentChunk.objects.exclude(indexed_by="").update(indexed_by=embedder.model.id)
    return True


def _embed_plain(contents: Sequence[Content], embedder: Embedder) -> list[Embedded]:
    return embedder.embed([_passage_of(content) for content in contents], with_tokens=embedder.model.has_tokens)


def _embed_redacted(contents: Sequence[Content], embedder: Embedder) -> list[Embedded]:
    return embedder.embed([redact(_passage_of(content)) for content in contents], with_tokens=False)


def _passage_of(content: Content) -> str:
    return Chunk(0, content.path, content.text).passage
