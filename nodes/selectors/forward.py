"""Forwards of the tenant we are in."""

import datetime as dt

from nodes.engine.report import Forward
from nodes.models.forward import ForwardDay


def load_forwards(*, since: dt.datetime, until: dt.datetime) -> list[Forward]:
    """Forwards with since <= settled_at < until, oldest first."""
    days = ForwardDay.objects.filter(day__range=(since.date(), until.date())).order_by("day")
    return [forward for row in days for forward in row.forwards if since <= forward.settled_at < until]
