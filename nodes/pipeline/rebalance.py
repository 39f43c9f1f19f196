"""What the box tells of the node's payments to itself goes in here."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.db import transaction

from nodes.engine.rebalance import Rebalance
from nodes.models.rebalance import RebalanceDay
from nodes.pipeline.days import add_events, set_aside_impossible
from nodes.pipeline.ingest import refuse_future
from nodes.selectors.node import lock_own_node

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RebalanceReceipt:
    stored: int
    cursor: str
    set_aside: int


def accept_rebalances(
    events: Sequence[Rebalance], cursor: str | None, *, until: dt.datetime | None
) -> RebalanceReceipt:
    """Adds those we do not have yet, told apart by `id`, and remembers the box's cursor and until when it told all.

    Without a cursor nothing but the one to go on from is answered, and events are still taken. What says it is older
    than Lightning is set aside and counted. Raises Problem 422 for a moment in the future; nothing is stored then.
    """
    refuse_future({f"/events/{index}/settled_at": event.settled_at for index, event in enumerate(events)})
    refuse_future({"/until": until} if until else {})
    events, set_aside = set_aside_impossible(events)
    if set_aside:
        log.warning("rebalances_set_aside", count=set_aside)
    with transaction.atomic():
        node = lock_own_node()
        stored = add_events(RebalanceDay, "rebalances", events=events)
        node.rebalance_cursor = cursor if cursor is not None else node.rebalance_cursor
        if until is not None:
            node.rebalances_until = max(until, node.rebalances_until or until)
        node.save(update_fields=["rebalance_cursor", "rebalances_until"])
    return RebalanceReceipt(stored, node.rebalance_cursor, set_aside=set_aside)
