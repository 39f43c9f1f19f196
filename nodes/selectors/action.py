"""Actions of the tenant we are in."""

import datetime as dt
from uuid import UUID

from django.db.models import QuerySet

from nodes.models.action import Action, ActionState
from nodes.models.channel import digest_channel

MAX_ACTIONS = 100


def list_actions(state: str) -> list[Action]:
    """Oldest first, at most 100: the order in which a box applies them."""
    return list(Action.objects.filter(state=state).order_by("created_at", "decision_id", "id")[:MAX_ACTIONS])


def filter_actions(*, state: str | None, channel: str | None, since: dt.datetime | None) -> QuerySet[Action]:
    """None: whatever. `since`: created from then on."""
    rows = Action.objects.all()
    rows = rows.filter(state=state) if state is not None else rows
    rows = rows.filter(channel_digest=digest_channel(channel)) if channel is not None else rows
    return rows.filter(created_at__gte=since) if since is not None else rows


def list_in_force(*, run_id: UUID) -> list[Action]:
    """What a run wrote and nobody took back, newest first."""
    return list(Action.objects.filter(run_id=run_id, state=ActionState.CONFIRMED).order_by("-sent_at", "-created_at"))


def list_written(since: dt.datetime, until: dt.datetime | None) -> list[Action]:
    """What was handed over with since <= sent_at < until and written, newest first; what was taken back included."""
    rows = Action.objects.filter(state__in=(ActionState.CONFIRMED, ActionState.ROLLED_BACK), sent_at__gte=since)
    rows = rows.filter(sent_at__lt=until) if until else rows
    return list(rows.order_by("-sent_at", "-created_at"))
