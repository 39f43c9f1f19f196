"""The record of what happened, for the owner."""

from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from nodes.models.journal import Detail, JournalDetail, JournalEntry
from tenants.context import TenantRef, enter_tenant
from tenants.events import Fact, event_happened


def note(kind: str, text: str, **facts: Detail) -> None:
    """One entry: a sentence and the facts behind it."""
    JournalEntry.objects.create(at=timezone.now(), kind=kind, detail=JournalDetail(text, facts))


@receiver(event_happened, dispatch_uid="journal")
def note_event(*, tenant: TenantRef, kind: str, text: str, facts: dict[str, Fact], **_: Any) -> None:
    """What happens to the box outside its schema: suspensions, keys, plans."""
    with enter_tenant(tenant):
        note(kind, text, **facts)
