"""When each box's next pipeline cycle is due: one row a box, claimed by whoever dispatches."""

import datetime as dt
import hashlib
from uuid import UUID

from django.conf import settings
from django.db import models

from tenants.models.dazbox import Dazbox


class CycleSchedule(models.Model):
    """A box's turn comes every period at a moment given by its id: thousands of boxes never fall due together."""

    dazbox = models.OneToOneField(Dazbox, primary_key=True, on_delete=models.CASCADE, related_name="schedule")
    next_run_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True, help_text="set while a cycle is handed out or running")
    is_slow = models.BooleanField(
        default=False, help_text="its last cycle failed or took long: it runs in the slow lane"
    )
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = (models.Index(fields=["next_run_at"], name="cycle_schedule_due"),)

    def __str__(self) -> str:
        return f"{self.dazbox_id} {self.next_run_at:%H:%M:%S}"


def next_turn(dazbox_id: UUID, after: dt.datetime) -> dt.datetime:
    """The first of this box's turns after a moment. They stand still in time, however late or early a cycle ran."""
    period_s = settings.ENV.cycle_period_s
    offset_s = int.from_bytes(hashlib.sha256(dazbox_id.bytes).digest()[:8]) % period_s
    turn = (int(after.timestamp()) - offset_s) // period_s + 1
    return dt.datetime.fromtimestamp(turn * period_s + offset_s, dt.UTC)
