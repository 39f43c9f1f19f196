"""Forwards of the tenant we are in."""

import datetime as dt

from nodes.engine.report import Forward
from nodes.models.forward import ForwardDay


def load_forwards(*, since: dt.datetime, until: dt.datetime) -> list[Forward]:
    """Forwards with since <= settled_at < until, oldest first. Only days at the ends hold others."""
    first, last = (moment.astimezone(dt.UTC).date() for moment in (since, until))
    found: list[Forward] = []
    for row in ForwardDay.objects.filter(day__range=(first, last)).order_by("day"):
        is_within = first < row.day < last
        found += row.forwards if is_within else [one for one in row.forwards if since <= one.settled_at < until]
    return found
