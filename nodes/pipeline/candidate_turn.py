"""When whom a node might open a channel to is worked out: here is only that, the work is a job of the box."""

from django.utils import timezone

from nodes.selectors.candidate import is_stale
from tenants.context import current_tenant
from tenants.queue import queue_job_once
from tenants.selectors import list_share

LIST_TASK = "nodes.tasks.list_candidates"


def queue_candidates() -> None:
    """Of the tenant we are in, after a new graph or when its peers have changed."""
    if is_stale():
        queue_job_once(current_tenant().id, LIST_TASK, due_at=timezone.now())


def queue_candidates_of_all() -> None:
    """After a new graph: what every box is advised stands on it."""
    for tenant in list_share(0, of=1):
        queue_job_once(tenant.id, LIST_TASK, due_at=timezone.now())
