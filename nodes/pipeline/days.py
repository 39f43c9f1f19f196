"""What a box tells of moments past, a day a row: each event once, told apart by its `id`."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from nodes.engine.report import LIGHTNING_BEGAN_AT
from tenants.sealing.payload import SealedModel


class Event(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def settled_at(self) -> dt.datetime: ...


E = TypeVar("E", bound=Event)


def set_aside_impossible(events: Sequence[E]) -> tuple[list[E], int]:
    """Those that can have been, and how many say they are older than Lightning: one of these would make a year of the
    node look known, and refusing it would stop the box for ever at its batch.
    """
    kept = [event for event in events if event.settled_at >= LIGHTNING_BEGAN_AT]
    return kept, len(events) - len(kept)


def add_events(model: type[SealedModel], field: str, *, events: Sequence[Event]) -> int:
    """How many were new. Whoever calls it holds the node's lock."""
    days: dict[dt.date, list[Event]] = defaultdict(list)
    for event in events:
        days[event.settled_at.astimezone(dt.UTC).date()].append(event)
    return sum(_add_to_day(model, field, day=day, events=told) for day, told in days.items())


def _add_to_day(model: Any, field: str, *, day: dt.date, events: Sequence[Event]) -> int:
    row = model.objects.filter(day=day).first()
    present: list[Event] = getattr(row, field) if row else []
    ids = {event.id for event in present}
    fresh = list({event.id: event for event in events if event.id not in ids}.values())
    if fresh:
        merged = sorted([*present, *fresh], key=lambda event: (event.settled_at, event.id))
        model.objects.update_or_create(day=day, defaults={field: merged})
    return len(fresh)
