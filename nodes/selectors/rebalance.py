"""Payments to itself of the node of the tenant we are in."""

import datetime as dt

from nodes.engine.rebalance import Rebalance
from nodes.models.node import OwnNode
from nodes.models.rebalance import RebalanceDay

FRESH = dt.timedelta(days=1)  # boxes tell of them every hour


def load_rebalances(node: OwnNode, *, since: dt.datetime, until: dt.datetime) -> list[Rebalance] | None:
    """Those with since <= settled_at < until, oldest first. None: its box never told of any, or no longer does."""
    if node.rebalances_until is None or node.rebalances_until < until - FRESH:
        return None
    days = (since.astimezone(dt.UTC).date(), until.astimezone(dt.UTC).date())
    rows = RebalanceDay.objects.filter(day__range=days).order_by("day")
    return [one for row in rows for one in row.rebalances if since <= one.settled_at < until]
