"""What the owner gives a server that runs once for each tenant: set and deleted, and never shown."""

from django.http import HttpResponse
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from bridge.api.answer_contract import OwnSecretAnswer
from bridge.api.contract import OwnSecretBody
from bridge.api.view import NAME, TAG
from bridge.catalogue.models import McpServer
from bridge.engine.faults import find_secret_faults
from bridge.manager.secret import delete_secret, set_secret
from bridge.models.secret import McpSecret, OwnSecret
from bridge.selectors.catalogue import find_row, is_open_to, read_rules, refuse_unknown
from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import principal_of
from mcp_saas.kit.errors import Problem
from tenants.api.owner_only import refuse_box
from tenants.api.view import TenantView
from tenants.context import current_tenant


class OwnSecretView(TenantView):
    """The owner's apps alone write: a box's own token does not."""

    def get_permissions(self) -> list[BasePermission]:
        return [require_scope("read" if self.request.method == "GET" else "act")()]

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        refuse_box(request)

    @endpoint(
        "get_mcp_secret",
        summary="Whether your own secrets for an MCP server are set",
        tag=TAG,
        answers={200: OwnSecretAnswer},
        problems=(404,),
        parameters=[NAME],
        is_tagged=True,
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        """Names of variables, never what is in them; `set_at` is null where nothing is set."""
        return answer(_describe(_find(name)))

    @endpoint(
        "set_mcp_secret",
        summary="Set your own secrets for an MCP server",
        tag=TAG,
        body=OwnSecretBody,
        answers={200: OwnSecretAnswer},
        problems=(404, 409),
        parameters=[NAME],
        needs_match=True,
    )
    def put(self, request: Request, name: str) -> HttpResponse:
        """For servers that run once for each tenant: yours gets these variables, if its operator leaves them to you, or
        this bearer token, beside what its operator set. They are sealed with your Dazbox's key and end with it. 409:
        the server takes none.
        """
        row, body = _find(name), read_body(request, OwnSecretBody)
        pool = read_rules(row).pool
        if pool.policy == "per_credential" and (faults := find_secret_faults(body.env, allowed=pool.own_env)):
            raise Problem(400, "invalid-body", "The body is not valid", errors=faults)
        secret = OwnSecret(env=body.env, bearer=body.bearer)
        set_secret(row, secret, policy=pool.policy, actor=principal_of(request).subject)
        return answer(_describe(row))

    @endpoint(
        "delete_mcp_secret",
        summary="Delete your own secrets for an MCP server",
        tag=TAG,
        answers={204: None},
        problems=(404,),
        parameters=[NAME],
    )
    def delete(self, request: Request, name: str) -> HttpResponse:
        """Your connection to the server ends. Repeating it is harmless; revoke the secrets where they come from."""
        delete_secret(_find(name), actor=principal_of(request).subject)
        return HttpResponse(status=204)


def _find(name: str) -> McpServer:
    row = find_row(name)
    if not is_open_to(read_rules(row).access, current_tenant().id):
        raise refuse_unknown(name)
    return row


def _describe(row: McpServer) -> OwnSecretAnswer:
    own = McpSecret.objects.filter(server=row.name).first()
    if own is None:
        return OwnSecretAnswer(row.name, [], has_bearer=False, set_at=None)
    return OwnSecretAnswer(row.name, sorted(own.secret.env), own.secret.bearer is not None, own.set_at)
