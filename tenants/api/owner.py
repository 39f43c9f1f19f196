"""Which boxes a caller may see and act on: staff all, an owner their own, by the token of one of them."""

from uuid import UUID

from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.view import principal_of
from mcp_saas.kit.errors import not_found
from tenants.api.view import own_box, refuse_service
from tenants.models.dazbox import SERVED_STATES, Dazbox, DazboxState

STAFF_SCOPES = frozenset({"operator", "provisioning"})
may_read = require_scope("operator", "provisioning", "read", "device")
may_act = require_scope("operator", "act")
owner_only = require_scope("act")
signed_in_box = require_scope("device")  # beside `owner_only` for what outlives an API key: a leaked one must not
owner_reads = require_scope("read", "device")


def is_staff(request: Request) -> bool:
    return bool(principal_of(request).scopes & STAFF_SCOPES)


def owner_of(request: Request) -> UUID:
    """The owner whose box the token belongs to. Raises Problem 401, 403 or 410."""
    own = own_box(principal_of(request))
    owner_id: UUID = own.owner_id  # every box that is not a tombstone has one
    return owner_id


def find_box(request: Request, device_id: UUID) -> Dazbox:
    """The box, if it is the caller's to see. Raises Problem 404 for one that is not and for one that is none."""
    boxes = Dazbox.objects.filter(id=device_id)
    found: Dazbox | None = (boxes if is_staff(request) else boxes.filter(owner_id=owner_of(request))).first()
    if found is None:
        raise not_found("There is no such Dazbox.")
    return found


def find_built_box(request: Request, device_id: UUID) -> Dazbox:
    """As `find_box`, with a schema. Raises Problem 409 before it has one, 410 when it has none any more."""
    dazbox = find_box(request, device_id)
    if dazbox.state not in SERVED_STATES:
        raise refuse_service(dazbox)
    return dazbox


def find_box_in_service(request: Request, device_id: UUID) -> Dazbox:
    """As `find_box`. Raises Problem 403, too, for one that is suspended or to be deleted, 409 before its service."""
    dazbox = find_box(request, device_id)
    if dazbox.state != DazboxState.ACTIVE:
        raise refuse_service(dazbox)
    return dazbox
