"""From the outbox to the owner's endpoints: one request at a time. At least once, never lost."""

import datetime as dt

from django.db import transaction
from django.db.models import F, Min, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from mcp_saas.kit.metrics import note_delivery
from nodes.engine.webhook.endpoint import Attempt
from nodes.engine.webhook.plan import find_pause, find_retry, is_past
from nodes.models.webhook import DeliveryState, DisabledBy, WebhookDelivery, WebhookEndpoint, WebhookMessage
from nodes.notify.message import Later, Refused, Sent
from nodes.notify.webhook.client import Exchange, send_webhook
from nodes.notify.webhook.signature import sign
from nodes.pipeline.webhook.endpoint import disable_endpoint, guard_webhooks
from nodes.pipeline.webhook.slow_lane import enter_slow_lane

KEPT = dt.timedelta(days=30)  # deliveries and their messages, once settled
KEPT_ATTEMPTS = 20
SLOW_MS = 2_000
SLOW_LANE_AGAIN = dt.timedelta(seconds=2)
NO_ANSWER = "The attempt was cut off: its worker ended"


def deliver_next(now: dt.datetime) -> dt.datetime | None:
    """Sends what is due longest, to the endpoint that was tried longest ago. Returns when to come again; None: nothing
    waits.

    1. the attempt is written down, with the moment of the next one  2. send, outside of any transaction  3. the outcome
    is written down. Killed between 1 and 3 it is sent again. Jobs of a box run one after the other.
    """
    ready = _list_ready(now).first()
    if ready is None:
        return find_next_moment()
    with enter_slow_lane(ready.endpoint) as has_entered:
        if not has_entered:
            return timezone.now() + SLOW_LANE_AGAIN
        if delivery := _begin(ready, now):
            record(delivery, _send(delivery))
    return find_next_moment()


def find_next_moment() -> dt.datetime | None:
    """When something is due at an endpoint that is not paused then. GREATEST passes over null."""
    moment = Greatest("due_at", "endpoint__paused_until")
    first: dt.datetime | None = _list_waiting().aggregate(first=Min(moment))["first"]
    return first


def prune_deliveries(now: dt.datetime) -> int:
    """Of the tenant we are in. Returns how many."""
    old = WebhookDelivery.objects.filter(settled_at__lt=now - KEPT)
    count: int = old.exclude(state=DeliveryState.WAITING).delete()[0]
    WebhookMessage.objects.filter(deliveries=None, at__lt=now - KEPT).delete()
    return count


def _list_waiting() -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(state=DeliveryState.WAITING)


def _list_ready(now: dt.datetime) -> QuerySet[WebhookDelivery]:
    """Slow endpoints last: the quick ones do not wait for them."""
    is_open = Q(endpoint__paused_until=None) | Q(endpoint__paused_until__lte=now)
    ready = _list_waiting().filter(is_open, due_at__lte=now).select_related("endpoint")
    tried = F("endpoint__tried_at").asc(nulls_first=True)
    return ready.order_by("endpoint__is_slow", tried, "due_at", "created_at", "id")


@transaction.atomic
def _begin(ready: WebhookDelivery, now: dt.datetime) -> WebhookDelivery | None:
    """As if its worker had died, with the moment of the next attempt. None: it waits no more."""
    delivery = _lock(ready)
    if delivery is None or delivery.state != DeliveryState.WAITING:
        return None
    delivery.attempts += 1
    pause = find_retry(delivery.attempts, seed=delivery.id.bytes) or find_pause(delivery.attempts)
    delivery.due_at, delivery.error = now + pause, NO_ANSWER
    delivery.save(update_fields=["attempts", "due_at", "error"])
    delivery.endpoint.tried_at = now
    delivery.endpoint.save(update_fields=["tried_at"])
    return delivery


def _lock(known: WebhookDelivery) -> WebhookDelivery | None:
    """First its endpoint, as everybody does; None: they are gone. Whoever announces something is not held up."""
    endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).filter(id=known.endpoint_id).first()
    rows = WebhookDelivery.objects.select_for_update(no_key=True)
    delivery = rows.filter(id=known.id).first() if endpoint else None
    if delivery is not None and endpoint is not None:
        delivery.endpoint = endpoint
    return delivery


def _send(delivery: WebhookDelivery) -> Exchange:
    now, message, body = timezone.now(), delivery.message, delivery.message.body.encode()
    secrets = delivery.endpoint.secrets.list_live(now)
    headers = sign(secrets, message_id=message.public_id, timestamp_s=int(now.timestamp()), body=body)
    return send_webhook(delivery.endpoint.target.url, body, headers=headers, guard=guard_webhooks())


@transaction.atomic
def record(sent: WebhookDelivery, exchange: Exchange) -> None:
    """The outcome, of delivery and endpoint. An endpoint deleted meanwhile took its deliveries along."""
    note_delivery("webhook", outcome=type(exchange.delivery).__name__.lower())
    now, delivery = timezone.now(), _lock(sent)
    if delivery is None:
        return
    endpoint = delivery.endpoint
    attempt = _describe(exchange, now=now)
    delivery.log, delivery.error = (*delivery.log, attempt)[-KEPT_ATTEMPTS:], attempt.error
    endpoint.is_slow = exchange.duration_ms >= SLOW_MS
    match exchange.delivery:
        case Sent():
            _settle(delivery, DeliveryState.DELIVERED, now=now)
            _open_again(endpoint, now=now)
        case Refused():
            _settle(delivery, DeliveryState.PARKED, now=now)
        case Later(_, after_s):
            _put_off(delivery, now=now, after_s=after_s)
            _pause(endpoint, exchange, now=now, after_s=after_s)
    delivery.save()
    endpoint.save()
    if by := _find_end(delivery, exchange):
        disable_endpoint(endpoint, by)


def _describe(exchange: Exchange, *, now: dt.datetime) -> Attempt:
    return Attempt(
        at=now - dt.timedelta(milliseconds=exchange.duration_ms),
        duration_ms=exchange.duration_ms,
        status=exchange.status,
        error="" if isinstance(exchange.delivery, Sent) else exchange.delivery.reason[:100],
        answer=exchange.answer,
    )


def _open_again(endpoint: WebhookEndpoint, *, now: dt.datetime) -> None:
    """What waited because it was away goes at once."""
    if endpoint.failures:
        endpoint.deliveries.filter(state=DeliveryState.WAITING, due_at__gt=now).update(due_at=now)
    endpoint.delivered_at, endpoint.failures, endpoint.paused_until = now, 0, None


def _settle(delivery: WebhookDelivery, state: DeliveryState, *, now: dt.datetime) -> None:
    delivery.state, delivery.settled_at = state, now


def _put_off(delivery: WebhookDelivery, *, now: dt.datetime, after_s: int | None) -> None:
    """To the next moment of the plan, or later where the receiver asks for it; parked after the last."""
    if delivery.state != DeliveryState.WAITING:
        return  # its endpoint was disabled meanwhile
    pause = find_retry(delivery.attempts, seed=delivery.id.bytes)
    if pause is None or is_past(now, since=delivery.began_at):
        _settle(delivery, DeliveryState.PARKED, now=now)
    else:
        delivery.due_at = now + max(pause, dt.timedelta(seconds=after_s or 0))


def _pause(endpoint: WebhookEndpoint, exchange: Exchange, *, now: dt.datetime, after_s: int | None) -> None:
    """An endpoint that is away is tried with one message at a time: a thousand do not knock on a closed door."""
    if exchange.is_away:
        endpoint.failures += 1
        endpoint.paused_until = now + max(find_pause(endpoint.failures), dt.timedelta(seconds=after_s or 0))


def _find_end(delivery: WebhookDelivery, exchange: Exchange) -> DisabledBy | None:
    """It says so, or took nothing since the plan of a message that is over now began."""
    endpoint = delivery.endpoint
    if endpoint.disabled_by or delivery.state != DeliveryState.PARKED:
        return None
    if isinstance(exchange.delivery, Refused):
        return DisabledBy.GONE
    took = endpoint.delivered_at is not None and endpoint.delivered_at >= delivery.began_at
    return None if took else DisabledBy.FAILED
