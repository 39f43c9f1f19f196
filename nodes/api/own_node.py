"""Which node a token belongs to: the first question of a program that was given nothing but the token."""

from uuid import UUID

from django.http import HttpResponse
from msgspec import Struct
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer
from mcp_saas.api.openapi import endpoint
from nodes.models.node import OwnNode
from tenants.api.view import TenantView
from tenants.context import current_tenant


class OwnNodeAnswer(Struct, frozen=True):
    """`id`: of the Dazbox; `alias` null before its first report, or where the node has none."""

    id: UUID
    pubkey: str
    alias: str | None
    mode: str


class OwnNodeView(TenantView):
    permission_classes = (require_scope("read", "device"),)

    @endpoint(
        "get_own_node",
        summary="The node this token belongs to",
        tag="node",
        answers={200: OwnNodeAnswer},
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        """Its public key is what stands in the addresses of all the rest."""
        tenant, node = current_tenant(), OwnNode.objects.get()
        alias = node.state.alias if node.state else None
        return answer(OwnNodeAnswer(tenant.id, tenant.pubkey, alias or None, node.mode))
