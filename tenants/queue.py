"""A fair queue: the boxes with jobs take turns, however many jobs one of them has.

A turn is a quarter of a second of one worker process, for the jobs of one box, in order. Next is always the box whose
last turn is longest ago, so a box with one job waits for the turns that run, never for its neighbour's thousand jobs.

A job is a row, written in the transaction of whoever asks for it, and done at least once: it must bear being done
again. An attempt is written down before it begins, as if its worker had died, with the moment of the next one; the
outcome replaces that. After the last attempt the job is parked with its reason. The jobs of a box out of service wait.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from django.db import connection
from django.utils import timezone

from mcp_saas.kit.metrics import note_job
from mcp_saas.kit.request_id import current_request_id, on_behalf_of
from tenants.context import enter_tenant, leave_tenant
from tenants.models.dazbox import DazboxState
from tenants.models.job import Job, JobLane
from tenants.selectors import find_active_tenant

log = structlog.get_logger(__name__)
TURN = dt.timedelta(milliseconds=250)  # a job that was begun is not cut off: a turn may last longer
SHIFT = dt.timedelta(milliseconds=500)  # then whatever else waits for the worker process has its chance
# Shifts waiting or running, so as many processes as work on jobs at once. The box a shift begins with waits for it:
# with two processes that is one shift of somebody else's at most.
MAX_HANDED_OUT = 4
LOST_AFTER = dt.timedelta(seconds=60)  # more than Celery's time limit: a turn so old died with its worker
MAX_ATTEMPTS = 5
FIRST_RETRY_AFTER = dt.timedelta(seconds=10)  # four times that after each further attempt: the last is 14 minutes on
PARKED_KEPT = dt.timedelta(days=30)
DIED = "the worker died in the middle"
# From box to box along the index: the cost is in the boxes that have jobs, not in their jobs.
_CLAIM = """
WITH RECURSIVE waiting(dazbox_id) AS (
    (SELECT dazbox_id FROM tenants_job WHERE due_at <= %(now)s ORDER BY dazbox_id LIMIT 1)
    UNION ALL
    SELECT (SELECT job.dazbox_id FROM tenants_job job WHERE job.dazbox_id > waiting.dazbox_id AND job.due_at <= %(now)s
            ORDER BY job.dazbox_id LIMIT 1)
    FROM waiting WHERE waiting.dazbox_id IS NOT NULL
), next AS (
    SELECT lane.dazbox_id FROM waiting JOIN tenants_joblane lane USING (dazbox_id)
    JOIN tenants_dazbox box ON box.id = dazbox_id
    WHERE lane.busy_since IS NULL AND box.state = %(state)s
    ORDER BY lane.served_at NULLS FIRST LIMIT %(limit)s FOR UPDATE OF lane SKIP LOCKED
)
UPDATE tenants_joblane SET served_at = %(now)s, busy_since = %(now)s
WHERE dazbox_id IN (SELECT dazbox_id FROM next) RETURNING dazbox_id
"""
# What has killed its worker at every attempt is parked instead (due_at is null).
_BEGIN = """
UPDATE tenants_job SET attempts = LEAST(attempts + 1, %(most)s), last_error = %(died)s,
    due_at = CASE WHEN attempts < %(most)s THEN %(now)s + %(pause)s * power(4, attempts) END
WHERE id = (SELECT id FROM tenants_job WHERE dazbox_id = %(dazbox_id)s AND due_at <= %(now)s
            ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
"""
Run = Callable[[str, list[Any]], None]  # does the job of this task and arguments, or raises why not


@dataclass(frozen=True, slots=True)
class TurnClaim:
    """The right to work on the jobs of one box, once, for a while."""

    dazbox_id: UUID
    served_at: dt.datetime


def queue_job(dazbox_id: UUID, task: str, *, args: list[Any], due_at: dt.datetime | None = None) -> None:
    """In the transaction we are in, not before `due_at`. The task begins within a second or so where the workers have
    nothing else to do.
    """
    with leave_tenant():
        _make_job(dazbox_id, task, args=args, due_at=due_at or timezone.now())


def queue_job_once(dazbox_id: UUID, task: str, *, due_at: dt.datetime) -> None:
    """As `queue_job`, without arguments, unless one that has not begun yet comes by then and will see the same work.
    For a job that asks for the next one: whoever brings new work queues a job of its own, or both could miss it.
    """
    with leave_tenant():
        if Job.objects.filter(dazbox_id=dazbox_id, task=task, attempts=0, due_at__lte=due_at).exists():
            return
        _make_job(dazbox_id, task, args=[], due_at=due_at)


def _make_job(dazbox_id: UUID, task: str, *, args: list[Any], due_at: dt.datetime) -> None:
    request_id = current_request_id() or ""
    Job.objects.create(dazbox_id=dazbox_id, task=task, args=args, due_at=due_at, request_id=request_id)


def has_job(dazbox_id: UUID, task: str) -> bool:
    """Whether one of this task waits or runs; parked ones never will."""
    with leave_tenant():
        return Job.objects.filter(dazbox_id=dazbox_id, task=task, due_at__isnull=False).exists()


def hand_out_turns(now: dt.datetime, hand_out: Callable[[TurnClaim], None]) -> None:
    """Hands out turns as far as there is room; those that died with their worker are over. Each begins a shift."""
    lanes = JobLane.objects.exclude(busy_since=None)
    lanes.filter(busy_since__lt=now - LOST_AFTER).update(busy_since=None)
    for claim in claim_turns(now, limit=max(0, MAX_HANDED_OUT - lanes.count())):
        hand_out(claim)


def claim_turns(now: dt.datetime, *, limit: int) -> list[TurnClaim]:
    """The longest unserved boxes that have jobs, each claimed once however many workers ask."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"now": now, "state": DazboxState.ACTIVE, "limit": limit})
        return [TurnClaim(dazbox_id, now) for (dazbox_id,) in cursor.fetchall()]


def work_shift(claim: TurnClaim, run: Run) -> None:
    """The turn of this claim, then turns of whoever is next, for half a second or so."""
    began_at = timezone.now()
    claims = [claim] if _update_turn(claim, busy_since=began_at) else []  # else it counted as lost meanwhile
    while claims:
        take_turn(claims[0], run)
        now = timezone.now()
        claims = claim_turns(now, limit=1) if now < began_at + SHIFT else []


def take_turn(claim: TurnClaim, run: Run) -> None:
    """Jobs of the box until there are none or its time is over."""
    tenant = find_active_tenant(claim.dazbox_id)
    until = timezone.now() + TURN
    try:
        while tenant and timezone.now() < until and (job := _begin_job(claim.dazbox_id)):
            with on_behalf_of(job.request_id):
                with enter_tenant(tenant):
                    error = _try_job(job, run)
                _note_outcome(job, error)
    finally:
        end_turn(claim)


def end_turn(claim: TurnClaim) -> None:
    _update_turn(claim, busy_since=None)


def purge_parked(now: dt.datetime) -> int:
    """Jobs parked for so long that nobody will ask about them. Returns how many."""
    return Job.objects.filter(due_at=None, queued_at__lt=now - PARKED_KEPT).delete()[0]


def _update_turn(claim: TurnClaim, *, busy_since: dt.datetime | None) -> bool:
    """False when the turn is over."""
    lane = JobLane.objects.filter(dazbox_id=claim.dazbox_id, served_at=claim.served_at, busy_since__isnull=False)
    return bool(lane.update(busy_since=busy_since))


def _begin_job(dazbox_id: UUID) -> Job | None:
    """The box's next job, one attempt older."""
    params = {"dazbox_id": dazbox_id, "most": MAX_ATTEMPTS, "died": DIED, "pause": FIRST_RETRY_AFTER}
    while jobs := list(Job.objects.raw(_BEGIN, params | {"now": timezone.now()})):
        if jobs[0].due_at is not None:
            return jobs[0]
        _report_parked(jobs[0])
    return None


def _try_job(job: Job, run: Run) -> str:
    """What went wrong, or nothing."""
    try:
        run(job.task, job.args)
    except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this job alone
        return f"{type(error).__name__}: {error}"[:200]
    return ""


def _note_outcome(job: Job, error: str) -> None:
    if not error:
        note_job(job.task, outcome="done")
        job.delete()
        return
    job.last_error = error
    log.warning("job_failed", job=job.id, task=job.task, attempts=job.attempts, error=error)
    if job.attempts >= MAX_ATTEMPTS:
        job.due_at = None
        _report_parked(job)
    else:
        note_job(job.task, outcome="failed")
    job.save(update_fields=["last_error", "due_at"])


def _report_parked(job: Job) -> None:
    note_job(job.task, outcome="parked")
    log.error("job_parked", job=job.id, task=job.task, dazbox=str(job.dazbox_id), error=job.last_error)
