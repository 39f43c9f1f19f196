"""The record of what happened, for the owner."""

from django.utils import timezone

from nodes.models.journal import Detail, JournalDetail, JournalEntry


def note(kind: str, text: str, **facts: Detail) -> None:
    """One entry: a sentence and the facts behind it."""
    JournalEntry.objects.create(at=timezone.now(), kind=kind, detail=JournalDetail(text, facts))
