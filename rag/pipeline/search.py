"""The search of the tenant we are in: the library and its own documents."""

from rag.engine.clean import clean_text
from rag.pipeline.point import Index, open_index
from rag.pipeline.retrieve import Retrieved, retrieve
from rag.sources.qdrant import scope
from tenants.context import current_tenant


def search_passages(question: str, *, limit: int, index: Index | None = None) -> Retrieved:
    """Raises StoreError."""
    index = index or open_index()
    return retrieve(
        clean_text(question),
        scope=scope.of_tenant(current_tenant().id),
        store=index.store,
        embedder=index.embedder,
        limit=limit,
    )
