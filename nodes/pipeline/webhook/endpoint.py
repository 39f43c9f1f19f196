"""Endpoints come, change and go; their owner, or their own answers, switch them off."""

import datetime as dt
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone

from mcp_saas.kit.errors import Problem, not_found, refuse_value
from mcp_saas.kit.http import Guard, UnsafeTargetError
from nodes.engine.webhook.endpoint import Secrets, Target, make_secret
from nodes.models.webhook import DeliveryState, DisabledBy, WebhookDelivery, WebhookEndpoint, WebhookMessage
from nodes.pipeline.journal import note
from tenants.context import TenantRef, current_tenant, enter_tenant
from tenants.engine.plan import LimitName, refuse_beyond
from tenants.events import owner_changes, usage_asked
from tenants.selectors import find_plan

WORDS = {DisabledBy.GONE: "it answered 410", DisabledBy.FAILED: "nothing could be delivered for three days"}
DISABLED = "The endpoint was disabled"


def guard_webhooks() -> Guard:
    """Public hosts on the usual ports over TLS, and those an operator trusts by TRUSTED_WEBHOOKS."""
    return Guard(trusted=frozenset(settings.ENV.trusted_webhooks))


@transaction.atomic
def create_endpoint(target: Target, *, actor: str) -> WebhookEndpoint:
    """With a secret of its own. Raises Problem 422 for an address nobody may send us to, 429 beyond the plan."""
    _check_address(target.url)
    limit = find_plan(current_tenant().id).limits["webhooks"]
    if WebhookEndpoint.objects.count() >= limit:
        raise refuse_beyond("webhooks", limit, detail="Delete one first.")
    secrets = Secrets(current=make_secret())
    endpoint = WebhookEndpoint.objects.create(created_at=timezone.now(), target=target, secrets=secrets)
    note("webhook", "A webhook was set up", webhook=str(endpoint.id), actor=actor)
    return endpoint


@transaction.atomic
def change_endpoint(endpoint: WebhookEndpoint, target: Target, *, is_enabled: bool, actor: str) -> None:
    """To another address what waits goes as well. Raises Problem 422. Enabled again, it begins without its faults."""
    _check_address(target.url)
    if is_enabled != (not endpoint.disabled_by) or target.url != endpoint.target.url:
        endpoint.failures, endpoint.paused_until, endpoint.is_slow = 0, None, False
    endpoint.target = target
    if is_enabled:
        endpoint.disabled_by = ""
    else:
        endpoint.disabled_by = endpoint.disabled_by or DisabledBy.OWNER
        park_waiting(endpoint)
    endpoint.save()
    note("webhook", "A webhook was changed", webhook=str(endpoint.id), actor=actor, is_enabled=is_enabled)


@transaction.atomic
def delete_endpoint(endpoint: WebhookEndpoint, *, actor: str) -> None:
    """With its deliveries."""
    note("webhook", "A webhook was deleted", webhook=str(endpoint.id), actor=actor)  # the journal's lock comes first
    endpoint.delete()


@transaction.atomic
def rotate_secret(endpoint: WebhookEndpoint, *, overlap: dt.timedelta, actor: str) -> str:
    """The new secret. The one before signs beside it for so long; of three, the oldest ends at once."""
    endpoint.secrets = endpoint.secrets.rotate(timezone.now(), overlap=overlap)
    endpoint.save(update_fields=["secrets"])
    note("webhook", "The secret of a webhook was replaced", webhook=str(endpoint.id), actor=actor)
    return endpoint.secrets.current


def disable_endpoint(endpoint: WebhookEndpoint, by: DisabledBy) -> None:
    """In the transaction of the outcome that did it. Its owner is told by message and by their other endpoints."""
    endpoint.disabled_by = by
    endpoint.save(update_fields=["disabled_by"])
    park_waiting(endpoint)
    text = f"Nothing is sent to the webhook {endpoint.id} any more: {WORDS[by]}"
    note("webhook", text, webhook=str(endpoint.id), reason=by.value)


def park_waiting(endpoint: WebhookEndpoint) -> None:
    """They can be replayed."""
    waiting = endpoint.deliveries.filter(state=DeliveryState.WAITING)
    waiting.update(state=DeliveryState.PARKED, settled_at=timezone.now(), error=DISABLED)


def find_endpoint(endpoint_id: UUID) -> WebhookEndpoint:
    """Raises Problem 404."""
    endpoint = WebhookEndpoint.objects.filter(id=endpoint_id).first()
    if endpoint is None:
        raise not_found("There is no such webhook.")
    return endpoint


def lock_endpoint(endpoint_id: UUID) -> WebhookEndpoint:
    """Until the transaction ends. Raises Problem 404."""
    endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).filter(id=endpoint_id).first()
    if endpoint is None:
        raise not_found("There is no such webhook.")
    return endpoint


@receiver(owner_changes, dispatch_uid="webhooks")
def forget_endpoints(*, tenant: TenantRef, **_: Any) -> None:
    """They are the owner's, not the box's: whoever has the box next is not sent to others' addresses."""
    with enter_tenant(tenant):
        if count := WebhookEndpoint.objects.count():
            note("webhook", "The webhooks of the owner before were deleted", count=count)
        WebhookDelivery.objects.all().delete()
        WebhookMessage.objects.all().delete()
        WebhookEndpoint.objects.all().delete()


@receiver(usage_asked, dispatch_uid="webhook usage")
def count_usage(**_: object) -> dict[LimitName, int]:
    """Of the tenant we are in."""
    return {"webhooks": WebhookEndpoint.objects.count()}


def _check_address(url: str) -> None:
    try:
        guard_webhooks().check_address(url)
    except UnsafeTargetError as error:
        raise refuse_value(
            "/url", str(error), status=422, code="webhook-unfit", title="No webhook goes there"
        ) from None


def refuse_disabled() -> Problem:
    return Problem(409, "webhook-disabled", "The webhook is disabled", detail="Enable it first: nothing is sent to it.")
