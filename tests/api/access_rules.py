"""Who may do what: each operation of the API, each kind of caller, and what is answered. The one table of it.

`docs/provisioning.md` says the same by states. A caller who gets in is answered with the success the document names; a
refusal is its status and the last part of its problem's type.
"""

from enum import StrEnum
from typing import Literal

Refusal = tuple[int, str]
Outcome = Refusal | Literal["in"]
Rule = dict["Caller", Outcome]


class Caller(StrEnum):
    """From `suspended` to `handed over`: by the token which the box in the address had before it came to this."""

    OWN = "own"
    ANOTHER = "another tenant"
    NOBODY = "nobody"
    SUSPENDED = "suspended"
    LEAVING = "pending deletion"
    DELETED = "deleted"
    HANDED_OVER = "handed over"
    NEVER_THERE = "never there"
    OPERATOR = "operator"
    WITH_LEAVE = "operator who broke the glass"
    SHOP = "shop"


NOT_FOUND = (404, "not-found")
NO_SCOPE = (403, "scope-missing")
OWNER_ONLY = (403, "owner-only")
API_KEY_ONLY = (403, "api-key-only")
GONE = (410, "device-deleted")
SUSPENDED = (403, "device-suspended")
LEAVING = (403, "device-pending-deletion")
UNKNOWN_CODE = (404, "user-code-unknown")
WRONG_STATE = (409, "wrong-state")

SHUT: Rule = dict.fromkeys(Caller, NO_SCOPE) | {
    Caller.NOBODY: (401, "unauthenticated"),
    Caller.HANDED_OVER: (401, "invalid-token"),
}
FOR_OPERATORS: Rule = {Caller.OPERATOR: "in", Caller.WITH_LEAVE: "in"}
FOR_STAFF: Rule = FOR_OPERATORS | {Caller.SHOP: "in"}

OPERATOR: Rule = SHUT | FOR_OPERATORS
STAFF: Rule = SHUT | FOR_STAFF
BOX: Rule = SHUT | {
    Caller.OWN: "in",
    Caller.ANOTHER: NOT_FOUND,
    Caller.SUSPENDED: SUSPENDED,
    Caller.LEAVING: LEAVING,
    Caller.DELETED: GONE,
    Caller.NEVER_THERE: (401, "tenant-gone"),
}
BOX_READ: Rule = BOX | {Caller.WITH_LEAVE: "in"}
OWN_THINGS: Rule = BOX | {Caller.ANOTHER: "in"}  # each its own
OWNERS_APPS: Rule = BOX | dict.fromkeys((Caller.OWN, Caller.ANOTHER), OWNER_ONLY)  # a device token is the box's
OWNER: Rule = BOX | {Caller.SUSPENDED: "in", Caller.LEAVING: "in"}  # out of service it is theirs as well
OWNER_AND_STAFF: Rule = OWNER | FOR_STAFF
EVERY_OWNER: Rule = OWNER | {Caller.ANOTHER: "in"}  # each sees their own
LINKING: Rule = OWNER | {Caller.ANOTHER: UNKNOWN_CODE}


def open_to_all(outcome: Outcome) -> Rule:
    """No token is asked for, and none helps."""
    return dict.fromkeys(Caller, outcome)


RULES: dict[str, Rule] = {
    # the box and the apps of its owner
    "send_snapshot": BOX,
    "send_forwards": BOX,
    "send_rebalances": BOX,
    "list_channels": BOX_READ,
    "get_channel": BOX_READ,
    "list_decisions": BOX_READ,
    "download_decisions": BOX_READ,
    "download_actions": BOX_READ,
    "download_forwards": BOX_READ,
    "get_latest_run": BOX_READ,
    "get_node_info": BOX_READ,
    "list_actions": BOX_READ,
    "propose_action": BOX,
    "get_own_node": OWN_THINGS,
    "report_action": BOX,
    "approve_action": BOX,
    "reject_action": BOX | {Caller.OWN: WRONG_STATE},  # the one in the address is written already
    "roll_back_action": BOX,
    "roll_back_run": BOX,
    "roll_back": BOX,
    "get_kill_switch": BOX_READ,
    "set_kill_switch": BOX,
    "get_channel_kill_switch": BOX_READ,
    "set_channel_kill_switch": BOX,
    "list_journal": BOX_READ,
    "list_forecasts": BOX_READ,
    "get_mode": BOX_READ,
    "set_mode": BOX,
    "get_review": BOX_READ,
    "get_schedule": BOX_READ,
    "get_shadow_report": BOX_READ,
    "set_schedule": BOX,
    "get_notifications": BOX_READ,
    "set_notifications": BOX,
    "promote_mode": BOX,
    "demote_mode": BOX | {Caller.OWN: WRONG_STATE},  # in shadow there is no step back
    "get_fee_policy": BOX_READ,
    "set_fee_policy": BOX,
    "get_fee_policy_schema": BOX_READ,
    "import_fee_policy": BOX,
    "preview_fee_policy": BOX,
    "backtest_fee_policy": BOX,
    "list_credentials": BOX,
    "list_providers": BOX_READ,
    "get_credential": BOX,
    "set_credential": BOX | {Caller.OWN: OWNER_ONLY},  # a device token is the box's, not its owner's
    "delete_credential": BOX | {Caller.OWN: OWNER_ONLY},
    # MCP servers: operators keep them, tenants see those open to them; own secrets are the owner's
    "list_mcp_servers": OWN_THINGS | FOR_OPERATORS,
    "create_mcp_server": OPERATOR,
    "get_mcp_server": OWN_THINGS | FOR_OPERATORS,
    "replace_mcp_server": OPERATOR,
    "delete_mcp_server": OPERATOR,
    "start_mcp_server": OPERATOR,
    "stop_mcp_server": OPERATOR,
    "restart_mcp_server": OPERATOR | dict.fromkeys((Caller.OPERATOR, Caller.WITH_LEAVE), (503, "no-gateway")),
    "approve_mcp_tools": OPERATOR,
    "read_mcp_log": OPERATOR,
    "get_mcp_capabilities": OWN_THINGS | FOR_OPERATORS,
    "list_mcp_tools": OWN_THINGS | FOR_OPERATORS,
    "import_mcp_servers": OPERATOR,
    "list_mcp_presets": OPERATOR,
    "get_mcp_secret": OWN_THINGS,
    "set_mcp_secret": OWNERS_APPS,
    "delete_mcp_secret": OWNERS_APPS,
    "list_mcp_calls": BOX_READ,
    # webhooks: nothing in the address says whose; only the owner's apps write them
    "list_webhooks": OWN_THINGS,
    "create_webhook": OWNERS_APPS,
    "get_webhook": BOX,
    "change_webhook": OWNERS_APPS,
    "delete_webhook": OWNERS_APPS,
    "rotate_webhook_secret": OWNERS_APPS,
    "list_webhook_deliveries": BOX,
    "replay_webhook": OWNERS_APPS,
    "test_webhook": OWNERS_APPS,
    "create_api_key": BOX,
    "list_api_keys": BOX,
    "revoke_api_key": BOX,
    "list_recommendations": BOX_READ,
    "count_feedback": BOX_READ,
    "list_feedback": BOX_READ,
    "list_follow_ups": BOX_READ,
    "give_feedback": BOX,
    "prioritise_actions": BOX,
    # the older box software; of a result and a report the body says whose
    "list_older_recommendations": BOX_READ,
    "get_performance": BOX_READ,
    "report_older_result": BOX,
    "send_older_report": BOX,
    # the box's own knowledge: nothing in the address says whose
    "list_documents": OWN_THINGS,
    "create_document": OWN_THINGS,
    "get_document": BOX,
    "replace_document": BOX,
    "delete_document": BOX,
    "ask_question": OWN_THINGS,
    "search_knowledge": OWN_THINGS,
    "analyse_nodes": OWN_THINGS,
    # claims
    "create_claims": STAFF,
    "list_claims": STAFF,
    "get_claim": STAFF,
    "revoke_claim": STAFF,
    # boxes, seen by their owner
    "list_devices": EVERY_OWNER | FOR_STAFF,
    "get_device": OWNER_AND_STAFF,
    "change_device": BOX,
    "delete_device": OWNER,
    "restore_device": OWNER,
    "suspend_device": OWNER | FOR_OPERATORS | {Caller.LEAVING: WRONG_STATE},
    "resume_device": OWNER
    | FOR_OPERATORS
    | {Caller.SUSPENDED: (403, "suspended-by-operator"), Caller.LEAVING: WRONG_STATE},
    "transfer_device": BOX | FOR_OPERATORS,
    "list_device_keys": OWNER_AND_STAFF,
    "add_device_key": BOX,
    "revoke_device_key": OWNER | dict.fromkeys((Caller.OWN, Caller.SUSPENDED, Caller.LEAVING), (409, "last-key")),
    "get_device_plan": OWNER_AND_STAFF,
    "set_device_plan": BOX | FOR_STAFF,
    "get_quota": OWNER_AND_STAFF,
    "list_events": OWNER,
    "verify_audit": EVERY_OWNER,
    "create_export": OWNER,
    "get_export": OWNER,
    "get_operation": OWNER_AND_STAFF,
    "get_graph": OPERATOR,
    "upload_graph": OPERATOR,
    "break_glass": OPERATOR,
    "close_glass": OPERATOR,
    # linking by a user code; the one in the address has been approved by the owner
    "get_device_authorization": LINKING,
    "approve_device_authorization": LINKING,
    "deny_device_authorization": LINKING
    | dict.fromkeys((Caller.OWN, Caller.SUSPENDED, Caller.LEAVING), (409, "already-decided")),
    # what needs another secret than a token, which the request does not have
    "sign_in": open_to_all((401, "wrong-credentials")),
    "sign_in_device": open_to_all((401, "invalid-assertion")),
    "exchange_api_key": OWN_THINGS | dict.fromkeys((Caller.OWN, Caller.ANOTHER), API_KEY_ONLY),
    "refresh_token": open_to_all((401, "invalid-refresh")),
    "register_device": open_to_all((422, "challenge-unknown")),
    "begin_device_authorization": open_to_all((422, "challenge-unknown")),
    "poll_device_authorization": open_to_all((400, "invalid-grant")),
    "download_export": open_to_all((403, "export-link-invalid")),
    # what is for everybody
    "revoke_token": open_to_all("in"),
    "create_challenge": open_to_all("in"),
    "list_plans": open_to_all("in"),
    "list_keys": open_to_all("in"),
    "get_health": open_to_all("in"),
    "get_metrics": dict.fromkeys(Caller, "in")
    | {Caller.NOBODY: (401, "unauthenticated"), Caller.HANDED_OVER: (401, "invalid-token")},
}
