"""What happens to a box here, told to whoever keeps its journal: the journal lies in the tenant's schema, above us."""

from django.dispatch import Signal

from tenants.context import TenantRef

Fact = str | int | float | bool | None

event_happened = Signal()  # tenant: TenantRef, kind: str, text: str, facts: dict[str, Fact]


def record_event(tenant: TenantRef, kind: str, *, text: str, **facts: Fact) -> None:
    """One entry in the box's journal, in the transaction we are in. Its schema must exist."""
    event_happened.send(sender=TenantRef, tenant=tenant, kind=kind, text=text, facts=facts)
