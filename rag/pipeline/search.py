"""The search of the tenant we are in: the library and its own documents; or of the library alone."""

from uuid import UUID

from mcp_saas.kit.gate import Gate
from rag.engine.clean import clean_text
from rag.pipeline.point import Index, open_index
from rag.pipeline.retrieve import Retrieved, retrieve
from rag.sources.qdrant import scope
from rag.sources.qdrant.errors import StoreUnavailableError
from tenants.context import current_tenant

PATIENCE_S = 0.25  # before a place is free: a search takes a tenth of a second
BUSY_S = 1.0
# A web process has four threads: where index and embedder hang, one is left for all that needs neither.
gate: Gate[UUID | None] = Gate(places=3, each=2)


def search_passages(question: str, *, limit: int, index: Index | None = None) -> Retrieved:
    """Raises StoreError."""
    return _search(question, scope.of_tenant(current_tenant().id), limit=limit, index=index)


def search_shared(question: str, *, limit: int, index: Index | None = None) -> Retrieved:
    """What everybody may read, and the same for everybody. Raises StoreError."""
    return _search(question, scope.shared(), limit=limit, index=index)


def _search(question: str, where: scope.Scope, *, limit: int, index: Index | None) -> Retrieved:
    """Raises StoreUnavailableError also where too many searches of the box, or of all, are under way already."""
    index = index or open_index()
    whose = None if where.is_shared else current_tenant().id
    with gate.enter(whose, wait_s=PATIENCE_S) as is_in:
        if not is_in:
            raise StoreUnavailableError("Too many searches are under way", retry_after_s=BUSY_S)
        return retrieve(
            clean_text(question),
            scope=where,
            store=index.store,
            embedder=index.embedder,
            limit=limit,
        )
