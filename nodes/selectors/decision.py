"""Runs and decisions of the tenant we are in."""

import datetime as dt
from typing import Literal
from uuid import UUID

from django.db.models import QuerySet
from msgspec import Struct

from nodes.models.action import Action
from nodes.models.channel import digest_channel
from nodes.models.decision import CycleRun, Decision
from nodes.models.journal import JournalEntry, JournalLink

MAX_OPENED = 20_000  # rows that one filtered page may open
_CLOSED = ("policy", "expected_policy", "why", "outcome", "short_channel_id")


def latest_run() -> CycleRun | None:
    return CycleRun.objects.order_by("-finished_at").first()


class DecisionFilter(Struct, frozen=True, kw_only=True):
    """Which decisions; None: whatever. `run` is "latest" or a run's id."""

    run: UUID | Literal["latest"] | None = None
    channel: str | None = None
    since: dt.datetime | None = None
    direction: str | None = None
    held_by: str | None = None

    @property
    def looks_inside(self) -> bool:
        """Whether it asks for what the database cannot see."""
        return self.direction is not None or self.held_by is not None

    def fits(self, decision: Decision) -> bool:
        outcome = decision.outcome
        return self.direction in {None, outcome.direction} and self.held_by in {None, outcome.held_by}


class TooManyError(Exception):
    """More rows would have to be opened than one question may ask for."""


def find_decisions() -> QuerySet[Decision]:
    """Newest first, each with its run and its action, whose larger payloads stay closed."""
    rows = Decision.objects.order_by("-id").select_related("run", "action")
    return rows.defer(*(f"run__{name}" for name in ("summary", "context")), *(f"action__{name}" for name in _CLOSED))


def filter_decisions(chosen: DecisionFilter) -> QuerySet[Decision]:
    """As far as the database sees: `chosen.fits` has the last word."""
    rows = find_decisions()
    if chosen.run is not None:
        rows = rows.filter(run=latest_run()) if chosen.run == "latest" else rows.filter(run_id=chosen.run)
    if chosen.channel is not None:
        rows = rows.filter(channel_digest=digest_channel(chosen.channel))
    return rows.filter(decided_at__gte=chosen.since) if chosen.since is not None else rows


def list_decisions(*, after: str | None, limit: int, chosen: DecisionFilter) -> list[Decision]:
    """Newest first, from the one after `after` on: `limit` of them. Raises TooManyError."""
    rows = filter_decisions(chosen)
    rows = rows.filter(id__lt=int(after)) if after else rows
    if not chosen.looks_inside:
        return list(rows[:limit])
    found: list[Decision] = []
    for count, decision in enumerate(rows.iterator(chunk_size=200)):
        if count == MAX_OPENED:
            raise TooManyError
        if chosen.fits(decision):
            found.append(decision)
        if len(found) == limit:
            break
    return found


def action_of(decision: Decision) -> Action | None:
    return getattr(decision, "action", None)


def list_chain(entries: list[JournalEntry]) -> dict[int, JournalLink]:
    """The links of these entries, by the entry's id."""
    return {link.entry_id: link for link in JournalLink.objects.filter(entry_id__in=[entry.id for entry in entries])}


def list_journal(*, after: str | None, limit: int) -> list[JournalEntry]:
    """Newest first."""
    rows = JournalEntry.objects.order_by("-id")
    return list((rows.filter(id__lt=int(after)) if after else rows)[:limit])
