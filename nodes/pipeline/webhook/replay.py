"""What was sent is sent again, and an endpoint is tried, when its owner asks."""

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from mcp_saas.kit.errors import not_found
from nodes.engine.webhook.event import TestFacts
from nodes.models.webhook import DeliveryState, WebhookDelivery
from nodes.pipeline.webhook.endpoint import lock_endpoint, refuse_disabled
from nodes.pipeline.webhook.outbox import MAX_WAITING, TASK, address_to
from tenants.context import current_tenant
from tenants.queue import queue_job

AGAIN = {"state": DeliveryState.WAITING, "settled_at": None, "attempts": 0, "error": ""}


@transaction.atomic
def replay_delivery(endpoint_id: UUID, delivery_id: UUID) -> int:
    """With the same webhook-id, by a plan that begins anew. Raises Problem 404, 409 where the endpoint is disabled."""
    _check(endpoint_id)
    if not WebhookDelivery.objects.filter(endpoint_id=endpoint_id, id=delivery_id).exists():
        raise not_found("There is no such delivery: after 30 days they are gone.")
    return _send_again([delivery_id])


@transaction.atomic
def replay_since(endpoint_id: UUID, since: dt.datetime, *, only_failed: bool) -> int:
    """Everything that happened since then, in order, `MAX_WAITING` at most; `only_failed`: what was not delivered.
    Returns how many. Raises Problem 404, 409.
    """
    _check(endpoint_id)
    rows = WebhookDelivery.objects.filter(endpoint_id=endpoint_id, message__at__gte=since)
    rows = rows.exclude(state=DeliveryState.DELIVERED) if only_failed else rows
    return _send_again(list(rows.order_by("message__at", "created_at").values_list("id", flat=True)[:MAX_WAITING]))


@transaction.atomic
def send_test(endpoint_id: UUID) -> WebhookDelivery:
    """As everything else is sent: what comes of it is in the log. Raises Problem 404, 409."""
    endpoint = lock_endpoint(endpoint_id)
    if endpoint.disabled_by:
        raise refuse_disabled()
    return address_to(endpoint, "webhook.test", facts=TestFacts(webhook_id=endpoint_id))


def _check(endpoint_id: UUID) -> None:
    if lock_endpoint(endpoint_id).disabled_by:
        raise refuse_disabled()


def _send_again(ids: list[UUID]) -> int:
    now = timezone.now()
    count: int = WebhookDelivery.objects.filter(id__in=ids).update(**AGAIN, began_at=now, due_at=now)
    if count:
        queue_job(current_tenant().id, TASK, args=[])
    return count
