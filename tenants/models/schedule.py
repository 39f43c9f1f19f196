"""When each box's next pipeline cycle is due: one row a box, claimed by whoever dispatches."""

import datetime as dt

import structlog
from django.conf import settings
from django.db import models

from tenants.engine.turn import TurnError, find_period_turn, find_turn
from tenants.models.dazbox import Dazbox

log = structlog.get_logger(__name__)


class CycleSchedule(models.Model):
    """A box's turn comes by its owner's cron expression, or every period at a moment given by its id."""

    dazbox = models.OneToOneField(Dazbox, primary_key=True, on_delete=models.CASCADE, related_name="schedule")
    next_run_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True, help_text="set while a cycle is handed out or running")
    is_slow = models.BooleanField(
        default=False, help_text="its last cycle failed or took long: it runs in the slow lane"
    )
    last_error = models.CharField(max_length=200, blank=True)
    cron = models.CharField(max_length=100, blank=True, help_text="of its owner; empty: once a period")
    time_zone = models.CharField(max_length=64, default="UTC", help_text="of the cron expression")

    class Meta:
        indexes = (models.Index(fields=["next_run_at"], name="cycle_schedule_due"),)

    def __str__(self) -> str:
        return f"{self.dazbox_id} {self.next_run_at:%H:%M:%S}"

    def find_next_turn(self, after: dt.datetime) -> dt.datetime:
        """By the period also where the expression gives none any more: time zones come and go, and one box's must not
        stop the dispatch of all.
        """
        try:
            if self.cron:
                return find_turn(self.dazbox_id, after, cron=self.cron, time_zone=self.time_zone)
        except TurnError as error:
            log.warning("schedule_unkept", dazbox=str(self.dazbox_id), error=str(error))
        return find_period_turn(self.dazbox_id, after, period_s=settings.ENV.cycle_period_s)
