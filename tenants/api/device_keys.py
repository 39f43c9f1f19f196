"""The keys a box signs in with: its successor is added, the old one ends by itself or at once."""

from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import ApiView, principal_of
from mcp_saas.kit.errors import refuse_field
from tenants.api.contract.device import DeviceKeyAnswer, DeviceKeyBody, DeviceKeyList
from tenants.api.owner import find_box, find_box_in_service, may_read, owner_only, signed_in_box
from tenants.keys import read_device_key
from tenants.models.device_key import DeviceKey
from tenants.tokens.device_key import add_device_key, list_device_keys, revoke_device_key


class KeyView(ApiView):
    """API keys do not reach the box's own: their changes need a device's token of the same owner."""

    rate_class = "provisioning"

    def get_permissions(self) -> list[BasePermission]:
        return [may_read()] if self.request.method == "GET" else [signed_in_box(), owner_only()]


class DeviceKeysView(KeyView):
    @endpoint(
        "add_device_key",
        summary="Add the successor of a Dazbox's key; the present one ends within 24 hours",
        tag="provisioning",
        body=DeviceKeyBody,
        answers={200: DeviceKeyAnswer, 201: DeviceKeyAnswer},
        problems=(404, 409, 410),
        idempotency="optional",
    )
    def post(self, request: Request, device_id: UUID) -> HttpResponse:
        """From its own or another box of the same owner. The key in use stays good for 24 hours at most, so that the
        change can fail and be repeated. The same key again answers 200.
        """
        body, dazbox = read_body(request, DeviceKeyBody), find_box_in_service(request, device_id)
        check_device_key(body.device_key.x)
        added = add_device_key(dazbox.id, body.device_key.x, actor=principal_of(request).subject)
        return answer(_describe(added.row), status=201 if added.is_new else 200)

    @endpoint(
        "list_device_keys",
        summary="The keys of a Dazbox, oldest first",
        tag="provisioning",
        answers={200: DeviceKeyList},
        problems=(404, 410),
    )
    def get(self, request: Request, device_id: UUID) -> HttpResponse:
        """Those that ended included, with the moment each ends or did."""
        return answer(DeviceKeyList([_describe(row) for row in list_device_keys(find_box(request, device_id).id)]))


class DeviceKeyView(KeyView):
    @endpoint(
        "revoke_device_key",
        summary="End a key of a Dazbox, everywhere within five seconds",
        tag="provisioning",
        answers={204: None},
        problems=(404, 409, 410),
    )
    def delete(self, request: Request, device_id: UUID, kid: str) -> HttpResponse:
        """All tokens of the box are refused then, and its other key signs in anew. The last live key cannot be
        revoked (409).
        """
        revoke_device_key(find_box(request, device_id).id, kid, actor=principal_of(request).subject)
        return HttpResponse(status=204)


def check_device_key(x: str) -> None:
    """Raises Problem 400."""
    try:
        read_device_key(x)
    except ValueError:
        raise refuse_field("/device_key/x", "not an Ed25519 public key") from None


def _describe(row: DeviceKey) -> DeviceKeyAnswer:
    return DeviceKeyAnswer(row.kid, row.is_live(timezone.now()), row.created_at, row.expires_at, row.revoked_at)
