"""Questions about the audited calls of the box we are in."""

import datetime as dt
from uuid import UUID

from django.db.models import Q

from bridge.models.call import McpCall

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def list_calls(*, after: str | None, limit: int, server: str = "", outcome: str = "") -> list[McpCall]:
    """The newest first, from the one after `after` (`name_place`) on: `limit` of them. `outcome`: as it begins."""
    rows = McpCall.objects.order_by("-at", "-id")
    rows = rows.filter(server=server) if server else rows
    rows = rows.filter(outcome__startswith=outcome) if outcome else rows
    if after is not None:
        microseconds, _, call_id = after.partition(".")
        at = EPOCH + dt.timedelta(microseconds=int(microseconds))
        rows = rows.filter(Q(at__lt=at) | Q(at=at, id__lt=UUID(call_id)))
    return list(rows[:limit])


def name_place(call: McpCall) -> str:
    """Where it stands in the list."""
    return f"{(call.at - EPOCH) // dt.timedelta(microseconds=1)}.{call.id}"
