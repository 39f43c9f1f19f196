"""What happens to a box, and what it means for its tokens at the gateways, its secrets and its calls.

Imported by every process, `manage.py` too: what speaks to Redis is imported where it is needed.
"""

from uuid import UUID

from django.dispatch import receiver

from bridge.catalogue.models import McpServer, SecretHolder
from bridge.models.call import McpCall
from bridge.models.secret import McpSecret
from tenants.context import TenantRef, enter_tenant, leave_tenant
from tenants.events import owner_changes, rows_end, rows_return, standing_changed


@receiver(standing_changed, dispatch_uid="mcp standing")
def tell_standing(**_: object) -> None:
    """Gateways refuse its tokens from now on, or take them again."""
    from bridge.manager.publish import try_publish

    try_publish()


@receiver(rows_end, dispatch_uid="mcp secrets end")
def forget_holder(*, dazbox_id: UUID, **_: object) -> None:
    with leave_tenant():
        SecretHolder.objects.filter(dazbox_id=dazbox_id).delete()


@receiver(owner_changes, dispatch_uid="mcp owner changes")
def forget_owners_own(*, tenant: TenantRef, **_: object) -> None:
    """What the owner before kept in servers, and what they asked of them, is not the next one's."""
    with enter_tenant(tenant):
        McpSecret.objects.all().delete()
        McpCall.objects.all().delete()
    forget_holder(dazbox_id=tenant.id)


@receiver(rows_return, dispatch_uid="mcp secrets return")
def note_holder(*, tenant: TenantRef, **_: object) -> None:
    """Its secrets are those of a backup now; those for servers that are gone wait."""
    with enter_tenant(tenant):
        names = list(McpSecret.objects.values_list("server", flat=True))
    forget_holder(dazbox_id=tenant.id)
    with leave_tenant():
        servers = McpServer.objects.filter(name__in=names)
        SecretHolder.objects.bulk_create([SecretHolder(server=server, dazbox_id=tenant.id) for server in servers])
