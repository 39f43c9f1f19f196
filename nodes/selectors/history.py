"""What the node of the tenant we are in was and did, day by day: from its own snapshots and forwards."""

import datetime as dt

from django.db.models.functions import TruncDate

from nodes.engine.day import HistoryDay, describe_day
from nodes.engine.report import NodeSnapshot
from nodes.models.forward import ForwardDay
from nodes.models.snapshot import Snapshot


def list_days(since: dt.date, until: dt.date, *, history_since: dt.datetime | None) -> list[HistoryDay]:
    """Every day from `since` to `until`, both included, oldest first."""
    snapshots = _find_last_snapshots(since, until)
    rows = ForwardDay.objects.filter(day__range=(since, until))
    forwards = {row.day: row.forwards for row in rows}
    days = [since + dt.timedelta(days=number) for number in range((until - since).days + 1)]
    known_since = history_since.date() if history_since else None
    return [
        describe_day(
            day, snapshots.get(day), forwards=forwards.get(day, []) if known_since and day > known_since else None
        )
        for day in days
    ]


def _find_last_snapshots(since: dt.date, until: dt.date) -> dict[dt.date, NodeSnapshot]:
    day = TruncDate("taken_at", tzinfo=dt.UTC)
    begins_at = dt.datetime.combine(since, dt.time(), dt.UTC)
    ends_at = dt.datetime.combine(until + dt.timedelta(days=1), dt.time(), dt.UTC)
    rows = Snapshot.objects.filter(taken_at__gte=begins_at, taken_at__lt=ends_at)
    last = rows.annotate(day=day).order_by("day", "-taken_at").distinct("day")
    return {row.taken_at.astimezone(dt.UTC).date(): row.content for row in last}
