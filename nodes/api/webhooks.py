"""The owner's endpoints: set up, changed, tried, sent to again, and looked at."""

import datetime as dt
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from msgspec import UNSET
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import PAGE_PARAMETERS, endpoint
from mcp_saas.api.paging import answer_page
from mcp_saas.api.view import principal_of
from mcp_saas.kit.errors import Problem, refuse_field
from nodes.api import webhook_contract as contract
from nodes.models.webhook import DeliveryState
from nodes.pipeline.webhook.endpoint import (
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    find_endpoint,
    lock_endpoint,
    rotate_secret,
)
from nodes.pipeline.webhook.replay import replay_delivery, replay_since, send_test
from nodes.selectors.webhook import list_deliveries, list_standings, name_place
from tenants.api.owner_only import refuse_box
from tenants.api.view import TenantView

PATH = "/api/v1/webhooks"
NO_STORE = {"Cache-Control": "no-store"}
_STATE = OpenApiParameter(
    "state", {"type": "string", "enum": DeliveryState.values}, description="deliveries in this state alone"
)


class OwnWebhooksView(TenantView):
    def get_permissions(self) -> list[BasePermission]:
        return [require_scope("read" if self.request.method == "GET" else "act")()]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_box(request)


class WebhooksView(OwnWebhooksView):
    @endpoint("list_webhooks", summary="All webhooks", tag="webhooks", answers={200: contract.WebhookList})
    def get(self, request: Request) -> HttpResponse:
        """The oldest first, each with how it fares. Secrets are never shown."""
        return answer(contract.WebhookList([contract.WebhookStanding.describe(one) for one in list_standings()]))

    @endpoint(
        "create_webhook",
        summary="Set up a webhook: its secret is shown this once",
        tag="webhooks",
        body=contract.WebhookBody,
        answers={201: contract.NewWebhook},
        problems=(422, 429),
        idempotency="required",
    )
    def post(self, request: Request) -> HttpResponse:
        """`url`: https, port 443 or 8443, a public host. Events are signed as Standard Webhooks say, and sent again for
        three days where they are not taken. What they say: the section `webhooks` of this document.
        """
        body = read_body(request, contract.WebhookBody)
        row = create_endpoint(body.to_target(), actor=principal_of(request).subject)
        shown = contract.NewWebhook(row.secrets.current, contract.WebhookView.describe(row))
        return answer(shown, status=201, headers=NO_STORE | {"Location": f"{PATH}/{row.id}"})


class WebhookView(OwnWebhooksView):
    @endpoint(
        "get_webhook",
        summary="A webhook",
        tag="webhooks",
        answers={200: contract.WebhookView},
        problems=(404,),
        is_tagged=True,
    )
    def get(self, request: Request, webhook_id: UUID) -> HttpResponse:
        """Where it goes, what it wants, and whether it is on. How it fares is in the list."""
        return answer(contract.WebhookView.describe(find_endpoint(webhook_id)))

    @endpoint(
        "change_webhook",
        summary="Change a webhook, switch it on or off",
        tag="webhooks",
        body=contract.WebhookChange,
        answers={200: contract.WebhookView},
        problems=(404, 422),
        needs_match=True,
    )
    def patch(self, request: Request, webhook_id: UUID) -> HttpResponse:
        """What waits goes to the new address as well. Switched off, what waits and what happens meanwhile is parked for
        30 days: `replay_webhook` sends it after all.
        """
        row, body = lock_endpoint(webhook_id), read_body(request, contract.WebhookChange)
        is_enabled = not row.disabled_by if body.is_enabled is UNSET else body.is_enabled
        target = body.to_target(row.target)
        change_endpoint(row, target, is_enabled=is_enabled, actor=principal_of(request).subject)
        return answer(contract.WebhookView.describe(row))

    @endpoint("delete_webhook", summary="Delete a webhook", tag="webhooks", answers={204: None}, problems=(404,))
    def delete(self, request: Request, webhook_id: UUID) -> HttpResponse:
        """With its deliveries. One that is under way may still arrive."""
        delete_endpoint(find_endpoint(webhook_id), actor=principal_of(request).subject)
        return HttpResponse(status=204)


class SecretView(OwnWebhooksView):
    @endpoint(
        "rotate_webhook_secret",
        summary="Replace the secret of a webhook: the new one is shown this once",
        tag="webhooks",
        body=contract.SecretBody,
        answers={201: contract.NewSecret},
        problems=(404,),
        idempotency="required",
    )
    def post(self, request: Request, webhook_id: UUID) -> HttpResponse:
        """Both sign for `overlap_s` (a day), so a receiver changes over without missing anything; 0 ends the present
        one at once.
        """
        body = read_body(request, contract.SecretBody)
        overlap = dt.timedelta(seconds=body.overlap_s)
        with transaction.atomic():
            row = lock_endpoint(webhook_id)
            secret = rotate_secret(row, overlap=overlap, actor=principal_of(request).subject)
        return answer(contract.NewSecret(secret, row.secrets.previous_until), status=201, headers=NO_STORE)


class DeliveriesView(OwnWebhooksView):
    @endpoint(
        "list_webhook_deliveries",
        summary="The delivery log of a webhook, newest first",
        tag="webhooks",
        answers={200: contract.DeliveryPage},
        problems=(404,),
        parameters=[*PAGE_PARAMETERS, _STATE],
    )
    def get(self, request: Request, webhook_id: UUID) -> HttpResponse:
        """Each event with its attempts: when, how long, which status, how the answer began. Kept for 30 days once it is
        delivered or parked.
        """
        state = request.GET.get("state")
        if state is not None and state not in DeliveryState.values:
            detail = f"state is one of {', '.join(DeliveryState.values)}"
            raise Problem(400, "bad-filter", "Bad filter", detail=detail)
        find = partial(list_deliveries, find_endpoint(webhook_id).id, state)
        return answer_page(
            request, find, shape=contract.DeliveryPage, describe=contract.DeliveryView.describe, key=name_place
        )


class ReplayView(OwnWebhooksView):
    @endpoint(
        "replay_webhook",
        summary="Send deliveries again",
        tag="webhooks",
        body=contract.ReplayBody,
        answers={202: contract.ReplayAnswer},
        problems=(404, 409),
        idempotency="optional",
    )
    def post(self, request: Request, webhook_id: UUID) -> HttpResponse:
        """One (`delivery_id`), or all that happened since an instant and were not delivered (`since`; with
        `only_failed` false the delivered ones too). The `webhook-id` stays what it was. 409 while it is disabled.
        """
        body = read_body(request, contract.ReplayBody)
        match body.delivery_id, body.since:
            case UUID() as delivery_id, None:
                queued = replay_delivery(webhook_id, delivery_id)
            case None, dt.datetime() as since:
                queued = replay_since(webhook_id, since, only_failed=body.only_failed)
            case _:
                raise refuse_field("/delivery_id", "give this or since, and not both")
        return answer(contract.ReplayAnswer(queued), status=202)


class TestView(OwnWebhooksView):
    @endpoint(
        "test_webhook",
        summary="Send a test event",
        tag="webhooks",
        answers={202: contract.DeliveryView},
        problems=(404, 409),
        idempotency="optional",
    )
    def post(self, request: Request, webhook_id: UUID) -> HttpResponse:
        """`webhook.test`, signed and sent as everything else is, within seconds; look into the delivery log. 409 while
        it is disabled.
        """
        return answer(contract.DeliveryView.describe(send_test(webhook_id)), status=202)
