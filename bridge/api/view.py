"""Views of the catalogue: operators write and see all of it, tenants see the servers that are open to them."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from redis.exceptions import RedisError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from bridge.catalogue.models import McpServer
from bridge.engine.merge import Observed
from bridge.engine.naming import LONGEST
from bridge.engine.observed import GatewaySeen
from bridge.manager.seen import observe, read_gateways
from bridge.selectors.catalogue import find_row, is_open_to, read_rules, refuse_unknown
from mcp_saas.api.auth import require_scope
from mcp_saas.api.view import ApiView, principal_of
from tenants.api.view import tenant_of

TAG = "mcp"
NAME = OpenApiParameter(
    "name", {"type": "string", "maxLength": LONGEST}, OpenApiParameter.PATH, description="the server's, as in echo"
)


class OperatorView(ApiView):
    permission_classes = (require_scope("operator"),)


class CatalogueView(ApiView):
    """`tenant_id`: of the caller; None: an operator."""

    tenant_id: UUID | None = None
    reads: ClassVar[frozenset[str]] = frozenset({"GET"})

    def get_permissions(self) -> list[BasePermission]:
        return [require_scope("operator", *(("device", "read") if self.request.method in self.reads else ()))()]

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        if "operator" not in principal_of(request).scopes:
            self.tenant_id = tenant_of(request).id

    def find(self, name: str) -> McpServer:
        """Raises Problem 404 for a server that is not there, or not for this caller: both look the same."""
        row = find_row(name)
        if not self.may_see(row):
            raise refuse_unknown(name)
        return row

    def may_see(self, row: McpServer) -> bool:
        return self.tenant_id is None or is_open_to(read_rules(row).access, self.tenant_id)


def look(name: str) -> Observed | None:
    """What gateways see of it; None while Redis is away too."""
    return observe(name, look_around() or ())


def look_around() -> tuple[GatewaySeen, ...] | None:
    """None: it cannot be asked."""
    try:
        return read_gateways()
    except RedisError:
        return None
