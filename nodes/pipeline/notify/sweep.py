"""Messages that wait although no job comes for them: theirs was parked, or the box was restored without its jobs."""

import datetime as dt

from django.utils import timezone

from nodes.models.notice import Notice, NoticeState
from nodes.pipeline.notify.outbox import TASK
from tenants.context import current_tenant
from tenants.queue import has_job, queue_job

LATE = dt.timedelta(minutes=10)
TOO_LATE = dt.timedelta(days=1)  # what kills each worker that delivers it ends here, and yesterday's news with it
TOO_LATE_WORDS = "It could not be delivered within a day"


def sweep_notices(now: dt.datetime) -> bool:
    """Of the tenant we are in. Parks what waited for a day; queues a job where messages are late and none will come.
    Returns whether it did.
    """
    waiting = Notice.objects.filter(state=NoticeState.WAITING)
    waiting.filter(due_at__lt=now - TOO_LATE).update(
        state=NoticeState.PARKED, settled_at=timezone.now(), error=TOO_LATE_WORDS
    )
    if not waiting.filter(due_at__lt=now - LATE).exists() or has_job(current_tenant().id, TASK):
        return False
    queue_job(current_tenant().id, TASK, args=[])
    return True
