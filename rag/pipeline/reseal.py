"""Points of a box are sealed anew with its newest key, as its rows are (`nodes.pipeline.reencrypt`).

Their text is opened and sealed in place: vectors, and terms by a key that is the same in all generations, stay. What is
left to do is asked of the index, which also holds what no row speaks of any more: points of the version before.
"""

from rag.models.document import Document
from rag.pipeline.delete import forget_departed
from rag.pipeline.point import open_index
from rag.sources.qdrant import scope
from rag.sources.qdrant.errors import StoreError
from rag.sources.qdrant.store import Store
from tenants.context import current_tenant
from tenants.events import ElsewhereError
from tenants.queue import has_job

FORGET_DOCUMENT = "rag.tasks.forget_document"


def has_older(store: Store | None = None) -> bool:
    """Whether a point of the tenant we are in is sealed with an older key. Raises ElsewhereError."""
    if not _may_have_points():
        return False
    tenant_id = current_tenant().id
    try:
        return (store or open_index().store).count_sealed_before(scope.own(tenant_id)) > 0
    except StoreError as error:
        raise _translate(error) from error


def seal_next(store: Store | None = None) -> int:
    """The next points of the tenant we are in. Returns how many: 0 when all are. Raises ElsewhereError, SealError."""
    if not _may_have_points():
        return 0
    tenant_id, store = current_tenant().id, store or open_index().store
    try:
        forget_departed(tenant_id, store)
        return store.seal_anew(scope.own(tenant_id))
    except StoreError as error:
        raise _translate(error) from error


def _may_have_points() -> bool:
    """A box without documents has none: the index is not asked for it."""
    return Document.objects.exists() or has_job(current_tenant().id, FORGET_DOCUMENT)


def _translate(error: StoreError) -> ElsewhereError:
    return ElsewhereError(f"points in the index are sealed with its keys, and {error}")
