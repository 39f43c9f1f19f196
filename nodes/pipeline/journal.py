"""The record of what happened, for the owner."""

from typing import Any

from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone

from nodes.models.journal import Detail, JournalDetail, JournalEntry, JournalHead, JournalLink
from nodes.pipeline.notify.outbox import queue_notice
from nodes.pipeline.webhook.outbox import announce_entry
from nodes.selectors.chain import hash_entry, hash_link, is_head_sealed, seal_head
from tenants.context import TenantRef, enter_tenant
from tenants.events import Fact, event_happened


def note(kind: str, text: str, **facts: Detail) -> None:
    """One entry: a sentence and the facts behind it, chained to the one before. Writers go in one after the other.

    A head that somebody else has written stays unsealed for good: going on does not hide what was cut off.
    """
    with transaction.atomic():
        JournalHead.objects.get_or_create(id=1)
        head = JournalHead.objects.select_for_update().get(id=1)
        entry = JournalEntry.objects.create(at=timezone.now(), kind=kind, detail=JournalDetail(text, facts))
        content_hash, is_ours = hash_entry(entry), is_head_sealed(head)
        link_hash = hash_link(head.seq + 1, bytes(head.link_hash), content_hash=content_hash)
        head.seq, head.link_hash = head.seq + 1, link_hash
        head.seal = seal_head(head) if is_ours else b""
        JournalLink.objects.create(seq=head.seq, entry_id=entry.id, content_hash=content_hash, link_hash=head.link_hash)
        head.save()
        queue_notice(entry)
        announce_entry(entry)


@receiver(event_happened, dispatch_uid="journal")
def note_event(*, tenant: TenantRef, kind: str, text: str, facts: dict[str, Fact], **_: Any) -> None:
    """What happens to the box outside its schema: suspensions, keys, plans."""
    with enter_tenant(tenant):
        note(kind, text, **facts)
