"""An export from its order to its end: asked for, written by a worker, fetched, gone."""

import datetime as dt
from collections.abc import Callable
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from mcp_saas.kit.errors import Problem
from nodes.pipeline.export.archive import begin_snapshot, write_archive
from nodes.pipeline.export.store import ChunkSink, delete_chunks
from tenants.context import leave_tenant
from tenants.events import record_event
from tenants.models.dazbox import SERVED_STATES
from tenants.models.export import Export, ExportState
from tenants.provisioning.lifecycle import lock_dazbox
from tenants.selectors import refer_to

log = structlog.get_logger(__name__)
DAY = dt.timedelta(days=1)
MAX_A_DAY = 2
KEPT = dt.timedelta(days=1)  # after it is ready
MAX_ATTEMPTS = 3
TIME_LIMIT_S = 600  # the promise: ready within ten minutes
LOST_AFTER = dt.timedelta(seconds=TIME_LIMIT_S + 120)
HAND_OUT_AGAIN_AFTER = dt.timedelta(minutes=1)


@transaction.atomic
def request_export(dazbox_id: UUID, *, actor: str) -> Export:
    """Notes the order; the box may be suspended or about to be deleted.

    Raises Problem 409 without data, 429 for the third in a day; failed ones are not counted.
    """
    dazbox, now = lock_dazbox(dazbox_id), timezone.now()
    if dazbox.state not in SERVED_STATES:
        raise Problem(409, "wrong-state", "Not possible in this state", detail="The Dazbox has no data to export.")
    recent = Export.objects.filter(dazbox=dazbox, requested_at__gt=now - DAY).exclude(state=ExportState.FAILED)
    instants = list(recent.order_by("requested_at").values_list("requested_at", flat=True))
    if len(instants) >= MAX_A_DAY:
        raise _refuse_third(instants[-MAX_A_DAY] + DAY - now)
    record_event(refer_to(dazbox), "export", text="An export was asked for", actor=actor)
    return Export.objects.create(dazbox=dazbox, owner_id=dazbox.owner_id, requested_at=now, expires_at=now + KEPT)


def run_export(export_id: UUID) -> None:
    """1. claim it  2. write the archive and note that it is ready, all in one snapshot's transaction.

    Killed at any point there is no half archive; `tend_exports` hands it out again. A failure is noted and raised.
    """
    claim = Export.objects.filter(id=export_id, state=ExportState.PENDING)
    if not claim.update(state=ExportState.RUNNING, started_at=timezone.now(), attempts=F("attempts") + 1):
        return  # another message was faster
    try:
        with transaction.atomic():
            _write_export(export_id)
    except Exception:
        _park(Export.objects.filter(id=export_id, state=ExportState.RUNNING))
        raise


def tend_exports(hand_out: Callable[[UUID], None]) -> int:
    """Hands out again what no worker took or finished, removes what has expired. Returns how many were removed."""
    now = timezone.now()
    _park(Export.objects.filter(state=ExportState.RUNNING, started_at__lt=now - LOST_AFTER))
    waiting = Export.objects.filter(state=ExportState.PENDING, requested_at__lt=now - HAND_OUT_AGAIN_AFTER)
    for export_id in waiting.values_list("id", flat=True):
        hand_out(export_id)
    expired = Export.objects.filter(expires_at__lte=now).exclude(state=ExportState.RUNNING)
    return sum(_try_remove(export) for export in expired.select_related("dazbox"))


def find_export(export_id: UUID, owner_id: UUID) -> Export | None:
    """An export that this owner asked for, of a box that is still theirs, before it expires."""
    return _present(export_id).filter(owner_id=owner_id).first()


def find_ready_export(export_id: UUID) -> Export | None:
    """One that can be fetched, for who shows its link."""
    return _present(export_id).filter(state=ExportState.READY).first()


def _present(export_id: UUID) -> QuerySet[Export]:
    rows = Export.objects.select_related("dazbox").filter(id=export_id, expires_at__gt=timezone.now())
    return rows.filter(dazbox__owner_id=F("owner_id"), dazbox__state__in=SERVED_STATES)


def _write_export(export_id: UUID) -> None:
    begin_snapshot()
    export = Export.objects.select_related("dazbox").get(id=export_id)
    sink = ChunkSink(refer_to(export.dazbox), export_id)
    manifest = write_archive(export.dazbox, sink)
    sha256 = sink.close()
    now = timezone.now()
    with leave_tenant():
        Export.objects.filter(id=export_id).update(
            state=ExportState.READY,
            finished_at=now,
            expires_at=now + KEPT,
            table_count=len(manifest.tables),
            row_count=sum(table.rows for table in manifest.tables),
            chunk_count=sink.chunk_count,
            size_bytes=sink.size_bytes,
            sha256=sha256,
        )


def _park(running: QuerySet[Export]) -> None:
    """Another attempt, or the end of it."""
    running.filter(attempts__gte=MAX_ATTEMPTS).update(state=ExportState.FAILED, finished_at=timezone.now())
    running.update(state=ExportState.PENDING)


def _try_remove(export: Export) -> bool:
    try:
        with transaction.atomic():
            Export.objects.filter(id=export.id).delete()
            delete_chunks(refer_to(export.dazbox), export.id)
    except DatabaseError:
        log.exception("export_not_removed", export=str(export.id))
        return False
    return True


def _refuse_third(wait: dt.timedelta) -> Problem:
    problem = Problem(
        429,
        "too-many-exports",
        "Too many exports",
        detail=f"A Dazbox is exported at most {MAX_A_DAY} times a day. Fetch the last one, or try again later.",
    )
    problem.headers["Retry-After"] = str(int(wait.total_seconds()) + 1)
    return problem
