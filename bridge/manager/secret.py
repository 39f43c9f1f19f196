"""A box's own secrets for a server that runs once for each tenant: set and deleted by its owner, shown to nobody."""

from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from bridge.catalogue.models import McpServer, SecretHolder
from bridge.manager.publish import publish_on_commit
from bridge.models.secret import McpSecret, OwnSecret
from mcp_saas.kit.errors import Problem
from tenants.context import current_tenant, leave_tenant
from tenants.events import record_event


@transaction.atomic
def set_secret(server: McpServer, secret: OwnSecret, *, policy: str, actor: str) -> McpSecret:
    """Raises Problem 409 for a server that carries nobody's own."""
    if policy != "per_credential":
        raise Problem(
            409, "no-own-secrets", "This server takes no secrets of yours", detail="Its operator runs it for everybody."
        )
    tenant = current_tenant()
    row = McpSecret.objects.filter(server=server.name).first() or McpSecret(server=server.name)
    row.set_at, row.secret = timezone.now(), secret
    row.save()
    with leave_tenant():
        SecretHolder.objects.update_or_create(server=server, dazbox_id=tenant.id, defaults={"stamp": uuid4()})
    record_event(tenant, "mcp", text=f"Own secrets for the MCP server {server.name} were set", actor=actor)
    publish_on_commit()
    return row


@transaction.atomic
def delete_secret(server: McpServer, *, actor: str) -> None:
    tenant = current_tenant()
    if McpSecret.objects.filter(server=server.name).delete()[0]:
        record_event(tenant, "mcp", text=f"Own secrets for the MCP server {server.name} were deleted", actor=actor)
    with leave_tenant():
        SecretHolder.objects.filter(server__name=server.name, dazbox_id=tenant.id).delete()
    publish_on_commit()
