"""What the workers do for documents."""

import datetime as dt
from uuid import UUID

import structlog
from celery import shared_task
from django.utils import timezone

from rag.pipeline.box import FORGET_TASK, INDEX_TASK
from rag.pipeline.delete import forget_departed, forget_points, list_departed
from rag.pipeline.index import advance
from rag.pipeline.library import tend_library
from rag.pipeline.point import open_index
from rag.sources.embedder import EmbedderError
from rag.sources.qdrant.errors import StoreError
from tenants.context import current_tenant
from tenants.queue import queue_job
from tenants.tasks import TenantTask

FORGET_AGAIN_AFTER = dt.timedelta(minutes=1)
log = structlog.get_logger(__name__)


@shared_task(base=TenantTask, name=INDEX_TASK)
def index_document(document_id: str) -> None:
    """One step of a document, then a job for the next: others have turns between them."""
    if again := advance(UUID(document_id), open_index()):
        queue_job(current_tenant().id, index_document.name, args=[document_id], due_at=again.at)


@shared_task(base=TenantTask, name="rag.tasks.forget_document")
def forget_document(document_id: str) -> None:
    """The points of a deleted document, however long the index is down. In this queue no step of it runs beside."""
    try:
        forget_points(UUID(document_id), open_index().store)
    except StoreError as error:
        log.warning("points_not_forgotten", document=document_id, error=type(error).__name__)
        again_at = timezone.now() + FORGET_AGAIN_AFTER
        queue_job(current_tenant().id, forget_document.name, args=[document_id], due_at=again_at)


@shared_task(base=TenantTask, name=FORGET_TASK)
def forget_departed_box() -> None:
    """Of a box in service, restored or handed over: the points of its rows before."""
    try:
        forget_departed(current_tenant().id, open_index().store)
    except StoreError as error:
        log.warning("departed_box_not_forgotten", error=type(error).__name__)
        queue_job(current_tenant().id, FORGET_TASK, args=[], due_at=timezone.now() + FORGET_AGAIN_AFTER)


@shared_task(name="rag.tasks.forget_departed_boxes")
def forget_departed_boxes() -> None:
    """Every minute, from beat: points of boxes that are gone, however long the index is down."""
    try:
        for dazbox_id in list_departed(timezone.now()):
            forget_departed(dazbox_id, open_index().store)
    except StoreError as error:
        log.warning("departed_boxes_not_forgotten", error=type(error).__name__)


@shared_task(name="rag.tasks.tend_library")
def tend_own_library() -> None:
    """Every half minute, from beat: the product's own text, and what else of the library waits for the index."""
    try:
        if count := tend_library():
            log.info("library_indexed", chunks=count)
    except (StoreError, EmbedderError) as error:
        log.warning("library_not_indexed", error=type(error).__name__)
