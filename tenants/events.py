"""What happens to a box here, told to whoever must know: journal and credentials lie in its own schema, above us."""

from typing import cast
from uuid import UUID

from django.db import transaction
from django.dispatch import Signal

from tenants.context import TenantRef
from tenants.engine.plan import LimitName

Fact = str | int | float | bool | None

event_happened = Signal()  # tenant: TenantRef, kind: str, text: str, facts: dict[str, Fact]
owner_changes = Signal()  # tenant: TenantRef
rows_end = Signal()  # dazbox_id: UUID
rows_return = Signal()  # tenant: TenantRef
standing_changed = Signal()  # dazbox_id: UUID
usage_asked = Signal()  # nothing: of the tenant we are in; answers dict[LimitName, int]
older_seals_asked = Signal()  # nothing: of the tenant we are in; answers bool
sealing_asked = Signal()  # nothing: of the tenant we are in; answers int


class ElsewhereError(Exception):
    """What lies elsewhere of a box cannot be reached now. The message says what; again later."""


def record_event(tenant: TenantRef, kind: str, *, text: str, **facts: Fact) -> None:
    """One entry in the box's journal, in the transaction we are in. Its schema must exist."""
    event_happened.send(sender=TenantRef, tenant=tenant, kind=kind, text=text, facts=facts)


def announce_owner_change(tenant: TenantRef) -> None:
    """What is the owner's own, and not the box's, goes, in the transaction we are in. Its schema must exist."""
    owner_changes.send(sender=TenantRef, tenant=tenant)


def announce_standing_change(dazbox_id: UUID) -> None:
    """Its state or its token version is another: told once that is committed. A listener's fault is nobody else's."""
    transaction.on_commit(lambda: standing_changed.send_robust(sender=TenantRef, dazbox_id=dazbox_id), robust=True)


def announce_rows_end(dazbox_id: UUID) -> None:
    """What lies elsewhere of a box goes with its schema, in the transaction we are in."""
    rows_end.send(sender=TenantRef, dazbox_id=dazbox_id)


def announce_rows_return(tenant: TenantRef) -> None:
    """They are those of a backup now: what lies elsewhere is to follow them. In the transaction we are in."""
    rows_return.send(sender=TenantRef, tenant=tenant)


def has_older_seals() -> bool:
    """Whether anything outside the rows of the tenant we are in needs an older key of it. Raises ElsewhereError."""
    return any(has_older for _, has_older in older_seals_asked.send(sender=TenantRef))


def seal_elsewhere() -> int:
    """Seals the next batch outside the rows of the tenant we are in with its newest key. Returns how many: none when
    all are. Raises ElsewhereError, SealError.
    """
    return sum(cast("int", count) for _, count in sealing_asked.send(sender=TenantRef))


def count_usage() -> dict[LimitName, int]:
    """What the tenant we are in uses of its plan. What no part of the product counts yet is not in it."""
    counted: dict[LimitName, int] = {}
    for _, used in usage_asked.send(sender=TenantRef):
        counted |= cast("dict[LimitName, int]", used)
    return counted
