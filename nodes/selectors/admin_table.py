"""What of a box stands in the tables of its page in the admin: texts, ready to show."""

import datetime as dt
from typing import Any
from urllib.parse import urlsplit

from mcp_saas.kit.alias import tame_alias
from nodes.engine.language.difference import tell_differences
from nodes.models.action import Action
from nodes.models.webhook import WebhookDelivery, WebhookEndpoint
from nodes.selectors.channel import ChannelRow
from nodes.selectors.webhook import Standing

NONE = "-"
ACTION_HEADERS = ("Channel", "State", "Change", "Why", "Held by", "When, UTC")
CHANNEL_HEADERS = (
    "Channel",
    "Peer",
    "Capacity, sat",
    "Ours, sat",
    "Fee, ppm",
    "Decided",
    "Why",
    "Held by",
    "When, UTC",
)


WEBHOOK_HEADERS = ("Host", "Events", "State", "Waiting", "Parked", "Last taken, UTC")
DELIVERY_HEADERS = ("Event", "Host", "State", "Attempts", "Status", "Took, ms", "Fault", "When, UTC")


def lay_actions(actions: list[Action]) -> dict[str, Any]:
    return {"headers": ACTION_HEADERS, "rows": [_lay_action(action) for action in actions]}


def lay_channels(rows: list[ChannelRow]) -> dict[str, Any]:
    """Each channel as it was reported, and what the newest run decided on it."""
    return {"headers": CHANNEL_HEADERS, "rows": [_lay_channel(row) for row in rows]}


def lay_webhooks(standings: list[Standing]) -> dict[str, Any]:
    """Endpoints by their hosts: the rest of an address may be a secret."""
    return {"headers": WEBHOOK_HEADERS, "rows": [_lay_webhook(one) for one in standings]}


def lay_deliveries(rows: list[WebhookDelivery]) -> dict[str, Any]:
    """Without bodies and answers."""
    return {"headers": DELIVERY_HEADERS, "rows": [_lay_delivery(row) for row in rows]}


def _lay_action(action: Action) -> list[str]:
    state = f"{action.public_state.label}{', not verified yet' if action.awaits_proof else ''}"
    error = f" ({action.outcome.error})" if action.outcome and action.outcome.error else ""
    held_by = action.decision.outcome.held_by if action.decision else None
    change = tell_differences(action.expected_policy, action.policy) or NONE
    when = _tell_time(action.settled_at or action.reported_at or action.sent_at or action.created_at)
    return [action.short_channel_id, f"{state}{error}", change, action.why, held_by or NONE, when]


def _lay_channel(row: ChannelRow) -> list[str]:
    state, decision = row.channel.state, row.decision
    peer = tame_alias(state.peer_alias or "") or state.peer_pubkey[:16]
    fee = str(state.own_policy.fee_rate_ppm) if state.own_policy else "no data"
    amounts = [f"{state.capacity_sat:,}", f"{state.local_balance_sat:,}", fee]
    if decision is None:
        return [state.short_channel_id, peer, *amounts, NONE, NONE, NONE, NONE]
    outcome = decision.outcome
    present, proposed = decision.inputs.channel.own_policy, outcome.proposed_policy
    decided = (tell_differences(present, proposed) if present and proposed else "") or "as it is"
    grounds = [decided, outcome.reason, outcome.held_by or NONE, _tell_time(decision.decided_at)]
    return [state.short_channel_id, peer, *amounts, *grounds]


def _lay_webhook(standing: Standing) -> list[str]:
    row = standing.endpoint
    state = f"off ({row.get_disabled_by_display().lower()})" if row.disabled_by else "on"
    paused = f", paused until {_tell_time(row.paused_until)}" if row.paused_until and not row.disabled_by else ""
    delivered = _tell_time(row.delivered_at) if row.delivered_at else NONE
    wanted = ", ".join(row.target.events) or "all"
    return [_name_host(row), wanted, f"{state}{paused}", f"{standing.waiting:,}", f"{standing.parked:,}", delivered]


def _lay_delivery(row: WebhookDelivery) -> list[str]:
    last = row.log[-1] if row.log else None
    answered = [str(last.status or NONE), f"{last.duration_ms:,}"] if last else [NONE, NONE]
    state = row.get_state_display()
    grounds = [str(row.attempts), *answered, row.error or NONE, _tell_time(row.created_at)]
    return [row.message.event, _name_host(row.endpoint), state, *grounds]


def _name_host(endpoint: WebhookEndpoint) -> str:
    return urlsplit(endpoint.target.url).hostname or NONE


def _tell_time(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M}"
