"""Whose cycle is due: claimed once, spread over the period, the slow kept apart.

A box whose last cycle failed, took long or died with its worker goes to the slow lane, of which only one cycle is
handed out at a time. So however many boxes are slow or broken, all workers but one stay free for the others.
"""

import datetime as dt
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from django.db.models import Case, F, QuerySet, When
from django.utils import timezone

from mcp_saas.kit.crypto import SealError
from mcp_saas.kit.errors import refuse_value
from mcp_saas.kit.metrics import note_cycle, note_lost_cycles
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.journal import note
from tenants.context import current_tenant, leave_tenant
from tenants.engine.turn import TurnError, check_turns
from tenants.models.dazbox import DazboxState
from tenants.models.schedule import CycleSchedule

SLOW_AFTER = dt.timedelta(seconds=10)
LOST_AFTER = dt.timedelta(minutes=5)  # a cycle handed out so long ago died with its worker
MAX_HANDED_OUT = 50  # waiting or running: if each took SLOW_AFTER, two workers were through before LOST_AFTER
SETTLE_TIME = dt.timedelta(seconds=2)  # after a first report: let the box finish sending
ONCE_A_DAY = "0 0 * * *"
DISPATCH_LOCK = 0x6379_636C


@dataclass(frozen=True, slots=True)
class CycleClaim:
    """The right to run one cycle of one box, once."""

    dazbox_id: UUID
    claimed_at: dt.datetime


def claim_due_cycles(now: dt.datetime, hand_out: Callable[[CycleClaim], None]) -> int:
    """Hands out the boxes that are due, each exactly once however many dispatchers run. Returns how many.

    1. one dispatcher at a time  2. cycles that died with their worker go to the slow lane
    3. claim what is due, as far as there is room  4. `hand_out`, once the claims are committed
    """
    with transaction.atomic():
        if not _lock_dispatch():
            return 0
        _return_lost(CycleSchedule.objects.filter(started_at__lt=now - LOST_AFTER), now)
        due = _find_due(now)
        for row in due:
            row.started_at, row.next_run_at = now, row.find_next_turn(now)
            transaction.on_commit(partial(hand_out, CycleClaim(row.dazbox_id, now)))
        CycleSchedule.objects.bulk_update(due, ["started_at", "next_run_at"])
    return len(due)


def run_claimed_cycle(claim: CycleClaim, *, before: Callable[[], object] = bool) -> None:
    """The cycle of a claim, for the tenant we are in. A failure is parked on the box's own row and raised.

    `before` is done first, outside of any transaction, and its time counts: a box whose node is slow is slow.
    The run and the end of its claim are one transaction: a claim that was handed out twice is still one run.
    """
    if not _is_held(claim):
        return
    started_at = timezone.now()
    try:
        before()
        with transaction.atomic():
            run_cycle()
            if not _end_claim(claim, took=timezone.now() - started_at, error=""):
                transaction.set_rollback(True)  # another worker was faster with the same claim
    finally:
        took, error = timezone.now() - started_at, sys.exception()
        if error:
            _end_claim(claim, took=took, error=_describe_failure(error))
        note_cycle(outcome="failed" if error else "done", seconds=took.total_seconds())


def return_lost_cycle(claim: CycleClaim, now: dt.datetime) -> None:
    """The worker that ran this claim died."""
    with leave_tenant():
        _return_lost(CycleSchedule.objects.filter(dazbox_id=claim.dazbox_id, started_at=claim.claimed_at), now)


def request_cycle(dazbox_id: UUID, now: dt.datetime) -> None:
    """Makes a box due shortly. Its later turns stay where they are."""
    with leave_tenant():
        CycleSchedule.objects.filter(dazbox_id=dazbox_id, next_run_at__gt=now + SETTLE_TIME).update(
            next_run_at=now + SETTLE_TIME
        )


def set_schedule(cron: str | None, time_zone: str, *, actor: str, now: dt.datetime) -> CycleSchedule:
    """Of the tenant we are in, from its next turn on. Raises Problem 422 for a schedule nobody can keep."""
    try:
        check_turns(cron=cron or ONCE_A_DAY, time_zone=time_zone, now=now)
    except TurnError as error:
        raise refuse_value(
            f"/{error.field}", str(error), status=422, code="schedule-refused", title="No schedule to keep"
        ) from None
    dazbox_id = current_tenant().id
    with transaction.atomic():
        with leave_tenant():
            row = CycleSchedule.objects.select_for_update().get(dazbox_id=dazbox_id)
            row.cron, row.time_zone = cron or "", time_zone
            row.next_run_at = row.find_next_turn(now)
            row.save(update_fields=["cron", "time_zone", "next_run_at"])
        words = f"by `{cron}` in {time_zone}" if cron else "once a period"
        note("schedule", f"Cycles run {words}: set by {actor}", cron=cron, time_zone=time_zone, actor=actor)
    return row


def _lock_dispatch() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [DISPATCH_LOCK])
        return bool(cursor.fetchone()[0])


def _find_due(now: dt.datetime) -> list[CycleSchedule]:
    rows = CycleSchedule.objects.select_for_update(skip_locked=True, of=("self",)).order_by("next_run_at")
    due = rows.filter(started_at=None, next_run_at__lte=now, dazbox__state=DazboxState.ACTIVE)
    handed_out = CycleSchedule.objects.exclude(started_at=None)
    slow_room = 0 if handed_out.filter(is_slow=True).exists() else 1
    room = max(0, MAX_HANDED_OUT - handed_out.count())
    return [*due.filter(is_slow=False)[:room], *due.filter(is_slow=True)[:slow_room]]


def _return_lost(rows: QuerySet[CycleSchedule], now: dt.datetime) -> None:
    """They are tried again at once in the slow lane; those lost even there wait for their next turn."""
    retry_at = Case(When(is_slow=False, then=now), default=F("next_run_at"))
    lost = rows.update(
        started_at=None, next_run_at=retry_at, is_slow=True, last_error="the worker died during the cycle"
    )
    note_lost_cycles(lost)


def _describe_failure(error: BaseException) -> str:
    """For the public schema: only the database's and the seals' own words, which quote no payload."""
    is_harmless = isinstance(error, DatabaseError | SealError)
    return f"{type(error).__name__}: {error}" if is_harmless else type(error).__name__


def _is_held(claim: CycleClaim) -> bool:
    with leave_tenant():
        return CycleSchedule.objects.filter(dazbox_id=claim.dazbox_id, started_at=claim.claimed_at).exists()


def _end_claim(claim: CycleClaim, *, took: dt.timedelta, error: str) -> bool:
    """Remembers how it went; False when the claim was not ours any more."""
    with leave_tenant():
        return bool(
            CycleSchedule.objects.filter(dazbox_id=claim.dazbox_id, started_at=claim.claimed_at).update(
                started_at=None, is_slow=bool(error) or took > SLOW_AFTER, last_error=error[:200]
            )
        )
