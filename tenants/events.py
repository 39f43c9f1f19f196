"""What happens to a box here, told to whoever must know: journal and credentials lie in its own schema, above us."""

from django.dispatch import Signal

from tenants.context import TenantRef

Fact = str | int | float | bool | None

event_happened = Signal()  # tenant: TenantRef, kind: str, text: str, facts: dict[str, Fact]
owner_changes = Signal()  # tenant: TenantRef


def record_event(tenant: TenantRef, kind: str, *, text: str, **facts: Fact) -> None:
    """One entry in the box's journal, in the transaction we are in. Its schema must exist."""
    event_happened.send(sender=TenantRef, tenant=tenant, kind=kind, text=text, facts=facts)


def announce_owner_change(tenant: TenantRef) -> None:
    """What is the owner's own, and not the box's, goes, in the transaction we are in. Its schema must exist."""
    owner_changes.send(sender=TenantRef, tenant=tenant)
