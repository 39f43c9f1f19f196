"""What the older box software asks for and tells, answered by what the rest of the product knows."""

import datetime as dt
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone
from msgspec import Struct

from mcp_saas.kit.errors import not_found
from nodes.models.action import Action
from nodes.pipeline.handover import ActionResult, record_result
from nodes.selectors.channel import list_open_states
from nodes.selectors.forward import load_forwards
from nodes.selectors.node import read_own_node
from recommendations.engine.advice import Advice, Language
from recommendations.engine.compat import ACTION_TYPES, measure_roi
from recommendations.engine.feedback import Verdict
from recommendations.engine.params import Opening
from recommendations.engine.performance import Performance, measure_performance
from recommendations.engine.survey import DAY
from recommendations.pipeline.feedback import give_feedback
from recommendations.pipeline.recommend import recommend
from recommendations.selectors.advice import find_since, find_verdicts

MAX_ERROR_CHARS = 400
UNKNOWN_ID = "The node has no such action and no such recommendation."


class OlderAdvice(NamedTuple):
    """`roi`: percent of the capacity concerned within a year; None: not known. `since`: from when on it stands."""

    advice: Advice
    roi: float | None
    since: dt.datetime


class OlderResult(Struct, frozen=True, kw_only=True):
    """What their program says came of something it did, or saw done."""

    success: bool
    message: str
    at: dt.datetime


def list_older_advice(language: Language) -> list[OlderAdvice]:
    """That which they have a name for, the first to do first."""
    found = [one for one in recommend(language).advice if one.kind in ACTION_TYPES]
    if not found:
        return []
    capacities = {state.short_channel_id: state.capacity_sat for state in list_open_states()}
    since = find_since(one.id for one in found)
    now = timezone.now()
    return [
        OlderAdvice(one, measure_roi(one, _find_capacity(one, capacities)), since.get(one.id, now)) for one in found
    ]


def record_older_result(reported_id: str, result: OlderResult, *, actor: str) -> str:
    """Of an action of the engine, or of an advice; a repeat is harmless. Answers what it is now.

    Raises Problem 404 for an id of neither, 409 for an action nobody approved.
    """
    known_id = _read_id(reported_id)
    action = Action.objects.filter(id=known_id).first()
    if action is not None:
        error = None if result.success else result.message[:MAX_ERROR_CHARS]
        return record_result(action, ActionResult(success=result.success, at=result.at, error=error)).public_state
    verdict = Verdict.DONE if result.success else Verdict.FAILED
    newest = find_verdicts([known_id]).get(known_id)
    if newest is None or (newest.verdict, newest.detail.why) != (verdict, result.message):
        give_feedback(known_id, verdict, why=result.message, actor=actor)
    return verdict


def read_performance(days: int) -> Performance:
    """Of the last `days` times 24 hours that ended at the newest report, or of as many as are known."""
    node, states = read_own_node(), list_open_states()
    until = node.last_taken_at or timezone.now()
    known = max(0, (until - node.history_since).days) if node.history_since else 0
    counted = min(days, known)
    before = counted if known >= 2 * counted else 0
    forwards = load_forwards(since=until - (counted + before) * DAY, until=until) if counted else []
    return measure_performance(states, forwards, until=until, days=counted, before_days=before)


def _find_capacity(advice: Advice, capacities: dict[str, int]) -> int | None:
    if isinstance(advice.params, Opening):
        return advice.params.ideal_sat
    return capacities.get(advice.subject)


def _read_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise not_found(UNKNOWN_ID) from None
