"""Payments to itself of the node of the tenant we are in."""

import datetime as dt

from nodes.engine.rebalance import Rebalance
from nodes.models.node import OwnNode
from nodes.models.rebalance import RebalanceDay

FRESH = dt.timedelta(days=1)  # boxes tell of them every hour


def is_told_in_part(node: OwnNode, *, until: dt.datetime) -> bool:
    """Whether its box tells of them, but not all up to then: it is still catching up, or does not come to the end, as
    with more payments in a day than it reads in an hour; or it no longer may.
    """
    tells = bool(node.rebalance_cursor) or node.rebalances_until is not None or RebalanceDay.objects.exists()
    return tells and not _is_fresh(node, until)


def load_rebalances(node: OwnNode, *, since: dt.datetime, until: dt.datetime) -> list[Rebalance] | None:
    """Those with since <= settled_at < until, oldest first. None: its box never told of any, or no longer does."""
    if not _is_fresh(node, until):
        return None
    days = (since.astimezone(dt.UTC).date(), until.astimezone(dt.UTC).date())
    rows = RebalanceDay.objects.filter(day__range=days).order_by("day")
    return [one for row in rows for one in row.rebalances if since <= one.settled_at < until]


def _is_fresh(node: OwnNode, until: dt.datetime) -> bool:
    return node.rebalances_until is not None and node.rebalances_until >= until - FRESH
