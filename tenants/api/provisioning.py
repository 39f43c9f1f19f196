"""The shop makes claims; a box redeems one; both see what came of it."""

import datetime as dt
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from mcp_saas.api.auth import Open, require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import PAGE_PARAMETERS, endpoint
from mcp_saas.api.paging import cut_page, read_window
from mcp_saas.api.view import ApiView, principal_of
from mcp_saas.kit.errors import not_found, refuse_field
from tenants.api.contract import ClaimAnswer, ClaimsAnswer, ClaimsBody, DeviceAnswer, DeviceBody, DevicePage
from tenants.keys import read_device_key
from tenants.models.dazbox import Dazbox
from tenants.provisioning.claim import create_claims
from tenants.provisioning.device import DeviceRequest, register_device
from tenants.selectors import list_dazboxes

_provisioner = require_scope("provisioning", "operator")


class ClaimsView(ApiView):
    rate_class = "provisioning"
    permission_classes = (_provisioner,)

    @endpoint(
        "create_claims",
        summary="Make one-time claim codes",
        tag="provisioning",
        body=ClaimsBody,
        answers={201: ClaimsAnswer},
        idempotency="required",
    )
    def post(self, request: Request) -> HttpResponse:
        wanted = read_body(request, ClaimsBody)
        made = create_claims(
            wanted.count,
            label=wanted.label,
            expires_in=dt.timedelta(seconds=wanted.expires_in_s),
            created_by=principal_of(request).subject,
        )
        items = [ClaimAnswer(new.claim.id, new.code, new.claim.prefix, new.claim.expires_at) for new in made]
        return answer(ClaimsAnswer(items), status=201, headers={"Cache-Control": "no-store"})


class DevicesView(ApiView):
    rate_class = "provisioning"

    def get_permissions(self) -> list[Open]:
        return [Open()] if self.request.method == "POST" else [_provisioner()]  # type: ignore[list-item]

    @endpoint(
        "register_device",
        summary="Redeem a claim: the box becomes a tenant",
        tag="provisioning",
        body=DeviceBody,
        answers={200: DeviceAnswer, 201: DeviceAnswer},
        problems=(401,),
        is_open=True,
        idempotency="optional",
    )
    def post(self, request: Request) -> HttpResponse:
        body = read_body(request, DeviceBody)
        _check_device_key(body.device_key.x)
        registration = register_device(
            DeviceRequest(body.claim_code, body.pubkey, body.alias, body.device_key.x, body.agent.version)
        )
        return answer(_describe(registration.dazbox), status=201 if registration.is_new else 200)

    @endpoint(
        "list_devices",
        summary="All Dazboxes",
        tag="provisioning",
        answers={200: DevicePage},
        parameters=PAGE_PARAMETERS,
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        window = read_window(request)
        page = cut_page(list_dazboxes(after=window.after, limit=window.limit + 1), window, key=lambda dazbox: dazbox.id)
        body = DevicePage([_describe(dazbox) for dazbox in page.items], page.next_cursor)
        return answer(body, headers=page.link(request, limit=window.limit))


class DeviceView(ApiView):
    rate_class = "provisioning"
    permission_classes = (_provisioner,)

    @endpoint(
        "get_device",
        summary="One Dazbox",
        tag="provisioning",
        answers={200: DeviceAnswer},
        problems=(404,),
        is_tagged=True,
    )
    def get(self, request: Request, device_id: UUID) -> HttpResponse:
        dazbox = Dazbox.objects.filter(id=device_id).first()
        if dazbox is None:
            raise not_found("There is no such Dazbox.")
        return answer(_describe(dazbox))


def _describe(dazbox: Dazbox) -> DeviceAnswer:
    return DeviceAnswer(
        dazbox.id, dazbox.id, dazbox.pubkey, dazbox.alias, dazbox.state, dazbox.created_at, dazbox.last_seen_at
    )


def _check_device_key(x: str) -> None:
    try:
        read_device_key(x)
    except ValueError:
        raise refuse_field("/device_key/x", "not an Ed25519 public key") from None
