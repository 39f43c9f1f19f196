"""Questions about the webhooks of the tenant we are in."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q

from nodes.models.webhook import DeliveryState, WebhookDelivery, WebhookEndpoint

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """An endpoint, and how much waits for it and is not sent any more."""

    endpoint: WebhookEndpoint
    waiting: int
    parked: int


def list_standings() -> list[Standing]:
    """The oldest endpoint first."""
    counts = {
        row["endpoint"]: row
        for row in WebhookDelivery.objects.values("endpoint").annotate(
            waiting=Count("id", filter=Q(state=DeliveryState.WAITING)),
            parked=Count("id", filter=Q(state=DeliveryState.PARKED)),
        )
    }
    none = {"waiting": 0, "parked": 0}
    endpoints = WebhookEndpoint.objects.order_by("created_at", "id")
    found = [(endpoint, counts.get(endpoint.id, none)) for endpoint in endpoints]
    return [Standing(endpoint, row["waiting"], row["parked"]) for endpoint, row in found]


def list_deliveries(endpoint_id: UUID, state: str | None, *, after: str | None, limit: int) -> list[WebhookDelivery]:
    """The newest first, from the one after `after` (`name_place`) on: `limit` of them."""
    rows = WebhookDelivery.objects.filter(endpoint_id=endpoint_id).order_by("-created_at", "-id")
    rows = rows.filter(state=state) if state else rows
    if after is not None:
        microseconds, _, delivery_id = after.partition(".")
        at = EPOCH + dt.timedelta(microseconds=int(microseconds))
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=UUID(delivery_id)))
    return list(rows.select_related("message")[:limit])


def list_newest_deliveries(limit: int) -> list[WebhookDelivery]:
    """Of all endpoints."""
    return list(WebhookDelivery.objects.select_related("message", "endpoint").order_by("-created_at", "-id")[:limit])


def name_place(delivery: WebhookDelivery) -> str:
    """Where it stands in the list."""
    return f"{(delivery.created_at - EPOCH) // dt.timedelta(microseconds=1)}.{delivery.id}"
