"""When each box's next pipeline cycle is due: one row a box, claimed by whoever dispatches."""

from django.db import models

from tenants.models.dazbox import Dazbox


class CycleSchedule(models.Model):
    """`next_run_at` is phased by the box's id, so that thousands of boxes never fall due together."""

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
