"""Actions of the tenant we are in."""

import datetime as dt
from uuid import UUID

from nodes.models.action import Action, ActionState

MAX_ACTIONS = 100


def list_actions(state: str) -> list[Action]:
    """Oldest first, at most 100: the order in which a box applies them."""
    return list(Action.objects.filter(state=state).order_by("created_at", "decision_id", "id")[:MAX_ACTIONS])


def list_in_force(*, run_id: UUID) -> list[Action]:
    """What a run wrote and nobody took back, newest first."""
    return list(Action.objects.filter(run_id=run_id, state=ActionState.CONFIRMED).order_by("-sent_at", "-created_at"))


def list_written(since: dt.datetime, until: dt.datetime | None) -> list[Action]:
    """What was handed over with since <= sent_at < until and written, newest first; what was taken back included."""
    rows = Action.objects.filter(state__in=(ActionState.CONFIRMED, ActionState.ROLLED_BACK), sent_at__gte=since)
    rows = rows.filter(sent_at__lt=until) if until else rows
    return list(rows.order_by("-sent_at", "-created_at"))
