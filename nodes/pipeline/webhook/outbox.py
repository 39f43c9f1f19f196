"""The outbox of webhooks: what happened waits here for each endpoint, written in the transaction of what happened."""

import datetime as dt

from django.utils import timezone

from nodes.engine.webhook.event import EventType, Facts, write_body
from nodes.engine.webhook.journal import read_entry
from nodes.models.journal import JournalEntry
from nodes.models.webhook import DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookMessage
from tenants.context import current_tenant
from tenants.queue import queue_job

TASK = "nodes.tasks.deliver_webhooks"
MAX_WAITING = 5_000  # of one endpoint; what comes then is parked, and can be replayed
WHILE_DISABLED = "It happened while the endpoint was disabled"
TOO_MANY = f"{MAX_WAITING:,} events waited already"


def announce(event: EventType, facts: Facts) -> None:
    """Tells the endpoints of the tenant we are in that want this event. Call it in the transaction of what happened:
    both are there, or neither. No network.
    """
    _store(event, facts, at=timezone.now())


def announce_entry(entry: JournalEntry) -> None:
    """What the journal says is announced by itself, in its transaction."""
    told = read_entry(entry.kind, entry.detail.facts)
    if told is not None:
        _store(*told, at=entry.at)


def address_to(endpoint: WebhookEndpoint, event: EventType, *, facts: Facts) -> WebhookDelivery:
    """To this one alone."""
    now = timezone.now()
    delivery = _deliver_to(endpoint, _write_message(event, facts, at=now), now=now)
    delivery.save()
    queue_job(current_tenant().id, TASK, args=[])
    return delivery


def _store(event: EventType, facts: Facts, *, at: dt.datetime) -> None:
    endpoints = [one for one in WebhookEndpoint.objects.order_by("created_at") if one.target.wants(event)]
    if not endpoints:
        return
    message, now = _write_message(event, facts, at=at), timezone.now()
    rows = WebhookDelivery.objects.bulk_create(_deliver_to(one, message, now=now) for one in endpoints)
    if any(row.state == DeliveryState.WAITING for row in rows):
        queue_job(current_tenant().id, TASK, args=[])


def _write_message(event: EventType, facts: Facts, *, at: dt.datetime) -> WebhookMessage:
    tenant = current_tenant()
    body = write_body(event, facts, at=at, device_id=tenant.id, pubkey=tenant.pubkey)
    return WebhookMessage.objects.create(event=event, at=at, body=body)


def _deliver_to(endpoint: WebhookEndpoint, message: WebhookMessage, *, now: dt.datetime) -> WebhookDelivery:
    refusal = _find_refusal(endpoint)
    settled = {"state": DeliveryState.PARKED, "settled_at": now, "error": refusal} if refusal else {}
    return WebhookDelivery(
        endpoint=endpoint, message=message, created_at=now, began_at=now, due_at=now, log=(), **settled
    )


def _find_refusal(endpoint: WebhookEndpoint) -> str:
    if endpoint.disabled_by:
        return WHILE_DISABLED
    waiting = endpoint.deliveries.filter(state=DeliveryState.WAITING)
    return TOO_MANY if waiting.count() >= MAX_WAITING else ""
