"""Work that waits for a worker: one row a job, and one row a box that says when its jobs last had a turn."""

from django.db import models

from tenants.models.dazbox import Dazbox


class Job(models.Model):
    """One call of a task for one box. It is deleted when done."""

    dazbox = models.ForeignKey(Dazbox, on_delete=models.CASCADE, db_index=False, related_name="jobs")
    task = models.CharField(max_length=100, help_text="name of a Celery task")
    args = models.JSONField(help_text="its arguments: ids to find its work by, nothing secret")
    queued_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(null=True, blank=True, help_text="not tried before; empty: parked, not tried again")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="begun so far")
    last_error = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=36, blank=True, help_text="of the request that asked for it; empty: none")

    class Meta:
        indexes = (models.Index(fields=["dazbox", "due_at", "id"], name="job_due"),)

    def __str__(self) -> str:
        return f"{self.task} of {self.dazbox_id}"


class JobLane(models.Model):
    """The jobs of one box pass here, one after the other. Made with the box."""

    dazbox = models.OneToOneField(Dazbox, primary_key=True, on_delete=models.CASCADE, related_name="lane")
    served_at = models.DateTimeField(null=True, blank=True, help_text="when its last turn began: it names that turn")
    busy_since = models.DateTimeField(null=True, blank=True, help_text="last sign of life of that turn; empty: over")

    class Meta:
        indexes = (
            models.Index(fields=["busy_since"], condition=models.Q(busy_since__isnull=False), name="job_lane_busy"),
        )

    def __str__(self) -> str:
        return f"lane of {self.dazbox_id}"
