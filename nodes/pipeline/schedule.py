"""Whose cycle is due: claimed by conditional update, spread over the period, the slow kept apart.

A box whose last cycle failed or took long goes to the slow lane, of which only one cycle is handed out at a time. So
however many boxes are slow or broken, all workers but one stay free for the others.
"""

import datetime as dt
from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tenants.context import leave_tenant
from tenants.models.dazbox import DazboxState
from tenants.models.schedule import CycleSchedule

BATCH = 200  # boxes handed out in one go
SLOW_AFTER = dt.timedelta(seconds=10)
LOST_AFTER = dt.timedelta(minutes=5)  # a cycle handed out so long ago died with its worker
SETTLE_TIME = dt.timedelta(seconds=2)  # after a first report: let the box finish sending


def claim_due_cycles(now: dt.datetime, hand_out: Callable[[UUID], None]) -> int:
    """Hands out the boxes that are due, each exactly once however many dispatchers run. Returns how many.

    `hand_out` is called with the box's id once the claim is committed.
    """
    with transaction.atomic():
        free = Q(started_at=None) | Q(started_at__lt=now - LOST_AFTER)
        due = (
            CycleSchedule.objects.select_for_update(skip_locked=True)
            .filter(free, next_run_at__lte=now, dazbox__state=DazboxState.ACTIVE)
            .order_by("next_run_at")
        )
        claimed = list(due.filter(is_slow=False).values_list("dazbox_id", flat=True)[:BATCH])
        if not _is_slow_lane_busy(now):
            claimed += due.filter(is_slow=True).values_list("dazbox_id", flat=True)[:1]
        period = dt.timedelta(seconds=settings.ENV.cycle_period_s)
        CycleSchedule.objects.filter(dazbox_id__in=claimed).update(started_at=now, next_run_at=now + period)
        for dazbox_id in claimed:
            transaction.on_commit(lambda dazbox_id=dazbox_id: hand_out(dazbox_id))  # type: ignore[misc]
    return len(claimed)


def finish_cycle(dazbox_id: UUID, *, took: dt.timedelta, error: str) -> None:
    """Gives the claim back and remembers how it went."""
    with leave_tenant():
        CycleSchedule.objects.filter(dazbox_id=dazbox_id).update(
            started_at=None, is_slow=bool(error) or took > SLOW_AFTER, last_error=error[:200]
        )


def request_cycle(dazbox_id: UUID, now: dt.datetime) -> None:
    """Makes a box due shortly, without moving its place in the period for good."""
    with leave_tenant():
        CycleSchedule.objects.filter(dazbox_id=dazbox_id, next_run_at__gt=now + SETTLE_TIME).update(
            next_run_at=now + SETTLE_TIME
        )


def _is_slow_lane_busy(now: dt.datetime) -> bool:
    return CycleSchedule.objects.filter(is_slow=True, started_at__gte=now - LOST_AFTER).exists()
