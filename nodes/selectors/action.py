"""Actions of the tenant we are in."""

import datetime as dt
import re
from collections.abc import Sequence
from uuid import UUID

from django.db.models import QuerySet
from msgspec.structs import replace

from mcp_saas.kit.alias import tame_alias
from nodes.engine.actor import translate_actor
from nodes.engine.language.difference import tell_differences
from nodes.engine.language.sentence import Language, tell_decision
from nodes.engine.notice import NoticeLine
from nodes.models.action import Action, ActionState, in_public_state
from nodes.models.channel import Channel, digest_channel

MAX_ACTIONS = 100
_FRENCH = {"taken back": "remis comme avant", "proposed": "proposé"}


def list_actions(state: str) -> list[Action]:
    """In this public state, oldest first, at most 100: the order in which a box applies them."""
    return list(Action.objects.filter(in_public_state(state)).order_by("created_at", "decision_id", "id")[:MAX_ACTIONS])


def tell_why(action: Action, language: Language) -> str:
    """The sentence of its decision, or who takes back or proposes what."""
    if language != "en" and action.decision is not None:
        return tell_decision(action.decision.inputs, action.decision.outcome, language=language)
    found = re.match(r"(taken back|proposed) by ([^:]*):", action.why)
    if language == "en" or not found:
        return action.why
    change = tell_differences(action.expected_policy, action.policy, language=language)
    return f"{_FRENCH[found[1]]} par {translate_actor(found[2])} : {change}"


def list_newest_actions(limit: int) -> list[Action]:
    """In any state, with their decisions."""
    return list(Action.objects.select_related("decision").order_by("-created_at", "-decision_id", "id")[:limit])


def filter_actions(*, state: str | None, channel: str | None, since: dt.datetime | None) -> QuerySet[Action]:
    """None: whatever. `state`: the public one; `since`: created from then on."""
    rows = Action.objects.all()
    rows = rows.filter(in_public_state(state)) if state is not None else rows
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


def explain_lines(lines: Sequence[NoticeLine], *, language: Language) -> list[NoticeLine]:
    """Lines of the journal about actions, each with the channel's peer and why the fee was to change."""
    ids = [str(line.facts["action"]) for line in lines if "action" in line.facts]
    actions = {str(row.id): row for row in Action.objects.filter(id__in=ids).select_related("decision")}
    digests = [row.channel_digest for row in actions.values()]
    channels = {bytes(row.digest): row for row in Channel.objects.filter(digest__in=digests)}
    explained = []
    for line in lines:
        action = actions.get(str(line.facts.get("action")))
        if action is not None:
            channel = channels.get(bytes(action.channel_digest))
            peer = tame_alias(channel.state.peer_alias or "") if channel else ""
            change = tell_differences(action.expected_policy, action.policy, language=language)
            facts = line.facts | {"peer": peer}
            line = replace(line, facts=facts, change=change, why=tell_why(action, language))  # noqa: PLW2901
        explained.append(line)
    return explained
