"""The search of the tenant we are in: the library and its own documents; or of the library alone."""

from rag.engine.clean import clean_text
from rag.pipeline.point import Index, open_index
from rag.pipeline.retrieve import Retrieved, retrieve
from rag.sources.qdrant import scope
from tenants.context import current_tenant


def search_passages(question: str, *, limit: int, index: Index | None = None) -> Retrieved:
    """Raises StoreError."""
    return _search(question, scope.of_tenant(current_tenant().id), limit=limit, index=index)


def search_shared(question: str, *, limit: int, index: Index | None = None) -> Retrieved:
    """What everybody may read, and the same for everybody. Raises StoreError."""
    return _search(question, scope.shared(), limit=limit, index=index)


def _search(question: str, where: scope.Scope, *, limit: int, index: Index | None) -> Retrieved:
    index = index or open_index()
    return retrieve(
        clean_text(question),
        scope=where,
        store=index.store,
        embedder=index.embedder,
        limit=limit,
    )
