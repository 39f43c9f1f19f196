"""Views that belong to one box: they run behind its door, and only for a token that carries its id."""

from contextlib import ExitStack
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from mcp_saas.api.auth import Principal
from mcp_saas.api.view import ApiView, principal_of
from mcp_saas.kit.errors import Problem, not_found
from tenants.context import TenantRef, enter_tenant
from tenants.models.break_glass import BreakGlass
from tenants.models.dazbox import SERVED_STATES, Dazbox, DazboxState
from tenants.selectors import find_active_tenant, refer_to
from tenants.tokens.break_glass import find_leave, note_reading

ENDED_STATES = (DazboxState.DELETING, DazboxState.DELETED)


class TenantView(ApiView):
    """The tenant is the token's, and nothing in the address says which."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with ExitStack() as self.doors:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.doors.enter_context(enter_tenant(self.find_tenant(request)))

    def find_tenant(self, request: Request) -> TenantRef:
        return tenant_of(request)


class NodeView(TenantView):
    """Under `/node/{pubkey}`: the tenant is the token's; a pubkey that is not its own node answers 404.

    An operator who broke the glass (`tenants.tokens.break_glass`) reads what the owner's apps may read.
    """

    opens_to_leave: ClassVar[bool] = True  # False: breaking the glass does not show it
    leave: BreakGlass | None = None

    def find_tenant(self, request: Request) -> TenantRef:
        tenant = refer_to(self.leave.dazbox) if self.leave else tenant_of(request)
        if self.kwargs.get("pubkey") != tenant.pubkey:
            raise not_found("This node is not the one your token belongs to.")
        if self.leave:
            note_reading(self.leave, what=request.path)
        return tenant

    def check_permissions(self, request: Request) -> None:
        caller = request.user
        if isinstance(caller, Principal) and "operator" in caller.scopes and self._is_owners_read(request):
            self.leave = find_leave(str(self.kwargs.get("pubkey")), session=caller.session)
        if self.leave is None:
            super().check_permissions(request)

    def _is_owners_read(self, request: Request) -> bool:
        granted: list[frozenset[str]] = [getattr(rule, "scopes", frozenset()) for rule in self.get_permissions()]
        return self.opens_to_leave and request.method == "GET" and all("read" in scopes for scopes in granted)


def tenant_of(request: Request) -> TenantRef:
    """The tenant of the verified token, in service.

    Raises Problem 403 for a token without one, and what `own_box` and `refuse_service` raise.
    """
    tenant_id = principal_of(request).tenant_id
    tenant = find_active_tenant(tenant_id) if tenant_id else None
    if tenant is not None:
        return tenant
    raise refuse_service(own_box(principal_of(request)))


def own_box(principal: Principal) -> Dazbox:
    """The box a token is bound to, in service or not. Raises Problem 403 without one, 410 after its end, else 401."""
    if principal.tenant_id is None:
        raise Problem(
            403, "tenant-missing", "Not allowed with this token", detail="This call needs the token of a Dazbox."
        )
    dazbox: Dazbox | None = Dazbox.objects.filter(id=principal.tenant_id).first()
    if dazbox is not None and dazbox.state in ENDED_STATES:
        raise refuse_service(dazbox)
    if dazbox is None or dazbox.state not in SERVED_STATES:
        raise Problem(401, "tenant-gone", "Sign in again", detail="The Dazbox of this token is not in service.")
    return dazbox


def refuse_service(dazbox: Dazbox) -> Problem:
    """Why a box is not served: suspended, about to be deleted, not built yet, gone; and what to do."""
    if dazbox.state in ENDED_STATES:
        return Problem(410, "device-deleted", "This Dazbox is deleted", detail="Nothing of it is left.")
    if dazbox.state not in SERVED_STATES:
        return Problem(
            409, "wrong-state", "Not possible in this state", detail="The Dazbox is not in service yet: ask again soon."
        )
    if dazbox.state == DazboxState.PENDING_DELETION:
        return Problem(
            403,
            "device-pending-deletion",
            "This Dazbox is being deleted",
            detail=f"It is destroyed at {dazbox.purge_at:%Y-%m-%dT%H:%M:%SZ}; until then its owner can restore it.",
        )
    if dazbox.state == DazboxState.TRANSFERRING:
        return Problem(
            403,
            "device-transferring",
            "This Dazbox changes hands",
            detail="It is back in service when its new claim code is redeemed.",
        )
    by_operator, by_owner = dazbox.operator_suspension_reason, dazbox.owner_pause_reason
    reasons = [f"by an operator: {by_operator}"] * bool(by_operator) + [f"by its owner: {by_owner}"] * bool(by_owner)
    return Problem(
        403,
        "device-suspended",
        "This Dazbox is suspended",
        detail=f"Suspended {'; '.join(reasons)}. Contact: {settings.ENV.support_contact}",
    )
