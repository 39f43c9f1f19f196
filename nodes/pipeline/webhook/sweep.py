"""Deliveries that wait although no job comes for them, and those that are old."""

import datetime as dt

from nodes.models.webhook import DeliveryState, WebhookDelivery
from nodes.pipeline.webhook.deliver import find_next_moment, prune_deliveries
from nodes.pipeline.webhook.outbox import TASK
from tenants.context import current_tenant
from tenants.queue import has_job, queue_job


def sweep_webhooks(now: dt.datetime) -> bool:
    """Of the tenant we are in. Queues a job where something waits and none will come: it was parked, or the box was
    restored without its jobs. Returns whether it did.
    """
    prune_deliveries(now)
    if not WebhookDelivery.objects.filter(state=DeliveryState.WAITING).exists() or has_job(current_tenant().id, TASK):
        return False
    queue_job(current_tenant().id, TASK, args=[], due_at=find_next_moment())
    return True
