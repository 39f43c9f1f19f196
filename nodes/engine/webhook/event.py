"""What receivers of webhooks are told: names of events, and the published shape of each.

Only identifiers, states, counts and instants. What a box keeps sealed (balances, fees, peers, reasons) is in no event:
a receiver that wants it reads it from the API, with a token.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, get_args
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

VERSION = 1
MAX_NAMED = 100  # identifiers in one event: it stays far below 20 kB
EventType = Literal[
    "recommendation.created",
    "action.planned",
    "action.approved",
    "action.sent",
    "action.confirmed",
    "action.failed",
    "action.rolled_back",
    "rollback.started",
    "rollback.refused",
    "mode.changed",
    "stop_rule",
    "kill_switch",
    "node.silent",
    "node.back",
    "quota.near",
    "quota.reached",
    "webhook.disabled",
    "webhook.test",
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
Named = Annotated[tuple[UUID, ...], Meta(max_length=MAX_NAMED)]


class RecommendationFacts(Struct, frozen=True, kw_only=True):
    """Advice that is new. `recommendation_ids` names the first hundred of `count`."""

    count: int
    recommendation_ids: Named


class ActionFacts(Struct, frozen=True, kw_only=True):
    """Actions that took the step the event is named after. `action_ids` names the first hundred of `count`; `run_id`
    is the run that made them, where they come from one.
    """

    count: int
    action_ids: Named
    run_id: UUID | None = None


class RollbackFacts(Struct, frozen=True, kw_only=True):
    """Started: `action_id` is the action that puts the former policy back. Refused: the one that is not taken back."""

    action_id: UUID


class ModeFacts(Struct, frozen=True, kw_only=True):
    """The mode and the share of channels it hands over, before and now."""

    mode: str
    mode_before: str
    share_percent: int
    share_percent_before: int


class StopRuleFacts(Struct, frozen=True, kw_only=True):
    """The names of the rules that stopped the release, and the mode that was stopped."""

    rules: tuple[str, ...]
    mode: str


class KillSwitchFacts(Struct, frozen=True, kw_only=True):
    """Set or lifted, for the whole node or one of its channels."""

    is_on: bool
    scope: Literal["node", "channel"]


class NodeFacts(Struct, frozen=True, kw_only=True):
    """When the last report came in before the silence."""

    last_report_at: dt.datetime


class QuotaFacts(Struct, frozen=True, kw_only=True):
    """A limit of the plan, and how much of it is used."""

    limit: str
    used: int
    allowed: int


class WebhookFacts(Struct, frozen=True, kw_only=True):
    """The endpoint, and why nothing is sent to it any more: it answered 410, or nothing was delivered for the whole
    retry plan.
    """

    webhook_id: UUID
    reason: Literal["gone", "failed"]


class TestFacts(Struct, frozen=True, kw_only=True):
    """The endpoint that was to be tried."""

    webhook_id: UUID


Facts = (
    RecommendationFacts
    | ActionFacts
    | RollbackFacts
    | ModeFacts
    | StopRuleFacts
    | KillSwitchFacts
    | NodeFacts
    | QuotaFacts
    | WebhookFacts
    | TestFacts
)
SHAPES: Mapping[EventType, type[Facts]] = {
    "recommendation.created": RecommendationFacts,
    "action.planned": ActionFacts,
    "action.approved": ActionFacts,
    "action.sent": ActionFacts,
    "action.confirmed": ActionFacts,
    "action.failed": ActionFacts,
    "action.rolled_back": ActionFacts,
    "rollback.started": RollbackFacts,
    "rollback.refused": RollbackFacts,
    "mode.changed": ModeFacts,
    "stop_rule": StopRuleFacts,
    "kill_switch": KillSwitchFacts,
    "node.silent": NodeFacts,
    "node.back": NodeFacts,
    "quota.near": QuotaFacts,
    "quota.reached": QuotaFacts,
    "webhook.disabled": WebhookFacts,
    "webhook.test": TestFacts,
}
SUMMARIES: Mapping[EventType, str] = {
    "recommendation.created": "New advice",
    "action.planned": "A run wants to change policies",
    "action.approved": "Actions are to be handed to the box",
    "action.sent": "The box has taken an action over",
    "action.confirmed": "A snapshot shows the policy of an action",
    "action.failed": "The node refused an action, or does not show it",
    "action.rolled_back": "A snapshot shows that an action was taken back",
    "rollback.started": "A policy is to go back to what it was",
    "rollback.refused": "A stop rule could not take an action back",
    "mode.changed": "The mode of the node, or its share of channels, changed",
    "stop_rule": "A stop rule stopped the release",
    "kill_switch": "A kill switch was set or lifted",
    "node.silent": "The node has stopped reporting",
    "node.back": "The node reports again",
    "quota.near": "Four fifths of a limit of the plan are used",
    "quota.reached": "A limit of the plan is reached",
    "webhook.disabled": "Another endpoint is not sent to any more",
    "webhook.test": "The owner tries the endpoint",
}


def write_body(event: EventType, facts: Facts, *, at: dt.datetime, device_id: UUID, pubkey: str) -> str:
    """The JSON body, the same for every attempt. `at`: when it happened; the header's instant is that of the attempt.

    Raises TypeError for facts of another event.
    """
    if not isinstance(facts, SHAPES[event]):
        raise TypeError(f"{event} takes {SHAPES[event].__name__}, not {type(facts).__name__}")
    envelope = {"type": event, "version": VERSION, "timestamp": at, "device_id": device_id, "pubkey": pubkey}
    return msgspec.json.encode(envelope | {"data": facts}).decode()


def count_actions(ids: Sequence[UUID], *, run_id: UUID | None = None) -> ActionFacts:
    return ActionFacts(count=len(ids), action_ids=tuple(ids[:MAX_NAMED]), run_id=run_id)
