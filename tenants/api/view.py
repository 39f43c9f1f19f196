"""Views that belong to one box: they run behind its door, and only for a token that carries its id."""

from contextlib import ExitStack
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from mcp_saas.api.view import ApiView, principal_of
from mcp_saas.kit.errors import Problem, not_found
from tenants.context import TenantRef, enter_tenant
from tenants.selectors import find_active_tenant


class NodeView(ApiView):
    """Under `/node/{pubkey}`: the tenant is the token's; a pubkey that is not its own node answers 404."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with ExitStack() as self.doors:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        tenant = tenant_of(request)
        if kwargs.get("pubkey") != tenant.pubkey:
            raise not_found("This node is not the one your token belongs to.")
        self.doors.enter_context(enter_tenant(tenant))


def tenant_of(request: Request) -> TenantRef:
    """The tenant of the verified token. Raises Problem 403 for a token without one, 401 for one that is gone."""
    tenant_id = principal_of(request).tenant_id
    if tenant_id is None:
        raise Problem(
            403, "tenant-missing", "Not allowed with this token", detail="This call needs the token of a Dazbox."
        )
    tenant = find_active_tenant(tenant_id)
    if tenant is None:
        raise Problem(401, "tenant-gone", "Sign in again", detail="The Dazbox of this token is not in service.")
    return tenant
