"""Runs and decisions of the tenant we are in."""

from nodes.models.decision import CycleRun, Decision
from nodes.models.journal import JournalEntry, JournalLink


def latest_run() -> CycleRun | None:
    return CycleRun.objects.order_by("-finished_at").first()


def list_decisions(*, after: str | None, limit: int, newest_run_only: bool) -> list[Decision]:
    """Newest first, from the one after `after` on: `limit` of them."""
    rows = Decision.objects.order_by("-id")
    if newest_run_only:
        rows = rows.filter(run=latest_run())
    return list((rows.filter(id__lt=int(after)) if after else rows)[:limit])


def list_chain(entries: list[JournalEntry]) -> dict[int, JournalLink]:
    """The links of these entries, by the entry's id."""
    return {link.entry_id: link for link in JournalLink.objects.filter(entry_id__in=[entry.id for entry in entries])}


def list_journal(*, after: str | None, limit: int) -> list[JournalEntry]:
    """Newest first."""
    rows = JournalEntry.objects.order_by("-id")
    return list((rows.filter(id__lt=int(after)) if after else rows)[:limit])
