"""What the box tells of the node's payments to itself goes in here."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from nodes.engine.rebalance import Rebalance
from nodes.engine.report import LIGHTNING_BEGAN_AT
from nodes.models.rebalance import RebalanceDay
from nodes.pipeline.ingest import refuse_future
from nodes.selectors.node import lock_own_node


@dataclass(frozen=True, slots=True)
class RebalanceReceipt:
    stored: int
    cursor: str


def accept_rebalances(
    events: Sequence[Rebalance], cursor: str | None, *, until: dt.datetime | None
) -> RebalanceReceipt:
    """Adds those we do not have yet, told apart by `id`, and remembers the box's cursor and until when it told all.

    Without a cursor nothing but the one to go on from is answered, and events are still taken. What says it is older
    than Lightning is passed over. Raises Problem 422 for a moment in the future; nothing is stored then.
    """
    refuse_future({f"/events/{index}/settled_at": event.settled_at for index, event in enumerate(events)})
    refuse_future({"/until": until} if until else {})
    days: dict[dt.date, list[Rebalance]] = defaultdict(list)
    for event in events:
        if event.settled_at >= LIGHTNING_BEGAN_AT:
            days[event.settled_at.astimezone(dt.UTC).date()].append(event)
    with transaction.atomic():
        node = lock_own_node()
        stored = sum(_add_to_day(day, told) for day, told in days.items())
        node.rebalance_cursor = cursor if cursor is not None else node.rebalance_cursor
        if until is not None:
            node.rebalances_until = max(until, node.rebalances_until or until)
        node.save(update_fields=["rebalance_cursor", "rebalances_until"])
    return RebalanceReceipt(stored, node.rebalance_cursor)


def _add_to_day(day: dt.date, events: list[Rebalance]) -> int:
    row = RebalanceDay.objects.filter(day=day).first()
    present = row.rebalances if row else []
    ids = {one.id for one in present}
    fresh = list({event.id: event for event in events if event.id not in ids}.values())
    if fresh:
        merged = sorted([*present, *fresh], key=lambda one: (one.settled_at, one.id))
        RebalanceDay.objects.update_or_create(day=day, defaults={"rebalances": merged})
    return len(fresh)
