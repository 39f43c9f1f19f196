"""Which entries of the journal are events, and what of their facts goes out."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from nodes.engine.webhook.event import (
    ActionFacts,
    EventType,
    Facts,
    KillSwitchFacts,
    ModeFacts,
    NodeFacts,
    QuotaFacts,
    RollbackFacts,
    StopRuleFacts,
    WebhookFacts,
    count_actions,
)

Fact = str | int | float | bool | None
Told = tuple[EventType, Facts]
STEPS: Mapping[object, EventType] = {
    "approved": "action.approved",
    "sent": "action.sent",
    "failed": "action.failed",
    "rolled_back": "action.rolled_back",
}


def read_entry(kind: str, facts: Mapping[str, Fact]) -> Told | None:
    """None: no receiver is told, also of an entry that lacks what its event needs. The journal does not fail by it."""
    read = _READERS.get(kind)
    try:
        return read(dict(facts)) if read else None
    except (KeyError, ValueError):
        return None


def _read_action(facts: dict[str, Any]) -> Told | None:
    """One action's step. It is confirmed when a snapshot shows it: the box's own word is in the journal alone."""
    if "action" not in facts:
        return None
    event = "action.confirmed" if facts.get("verified") else STEPS.get(facts.get("after"))
    return (event, _name_action(facts)) if event else None


def _name_action(facts: dict[str, Any]) -> ActionFacts:
    return count_actions([UUID(facts["action"])])


def _read_rollback(facts: dict[str, Any]) -> Told:
    event: EventType = "rollback.started" if "fee_rate_ppm" in facts else "rollback.refused"
    return event, RollbackFacts(action_id=UUID(facts["action"]))


def _read_mode(facts: dict[str, Any]) -> Told:
    return "mode.changed", ModeFacts(**{name: facts[name] for name in ModeFacts.__struct_fields__})


def _read_stop_rule(facts: dict[str, Any]) -> Told:
    return "stop_rule", StopRuleFacts(rules=tuple(facts["rules"].split(",")), mode=facts["mode"])


def _read_switch(facts: dict[str, Any]) -> Told:
    scope = facts.get("place", "the node") == "the node"
    return "kill_switch", KillSwitchFacts(is_on=bool(facts["is_on"]), scope="node" if scope else "channel")


def _read_silence(facts: dict[str, Any]) -> Told:
    event: EventType = "node.silent" if facts["is_silent"] else "node.back"
    return event, NodeFacts(last_report_at=datetime.fromisoformat(facts["last_report_at"]))


def _read_quota(facts: dict[str, Any]) -> Told:
    event: EventType = "quota.reached" if facts["used"] >= facts["allowed"] else "quota.near"
    return event, QuotaFacts(limit=facts["limit"], used=facts["used"], allowed=facts["allowed"])


def _read_webhook(facts: dict[str, Any]) -> Told | None:
    """Changes by its owner are in the journal alone."""
    if facts.get("reason") not in {"gone", "failed"}:
        return None
    return "webhook.disabled", WebhookFacts(webhook_id=UUID(facts["webhook"]), reason=facts["reason"])


_READERS: Mapping[str, Callable[[dict[str, Any]], Told | None]] = {
    "action": _read_action,
    "rollback": _read_rollback,
    "mode": _read_mode,
    "stop-rule": _read_stop_rule,
    "kill-switch": _read_switch,
    "node-report": _read_silence,
    "quota": _read_quota,
    "webhook": _read_webhook,
}
