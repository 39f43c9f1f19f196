"""Servers as the admin lays them out: words for what is measured, "no data" for what is not."""

import datetime as dt
from typing import Any

from bridge.catalogue.models import McpServer
from bridge.engine.merge import Observed
from bridge.selectors.catalogue import is_built_in
from bridge.selectors.tools import list_tools

NOT_KNOWN = "no data"
GOOD, WAITING, BAD = "success", "warning", "danger"
TONES = {"ready": GOOD, "stopped": "", "starting": WAITING, "draining": WAITING, "backoff": WAITING}


def describe_state(row: McpServer, seen: Observed | None) -> dict[str, Any]:
    condition = seen.condition.value if seen else NOT_KNOWN
    return {
        "name": row.name,
        "is_built_in": is_built_in(row),
        "should_run": row.should_run,
        "revision": row.revision,
        "in_force": seen.revision if seen else None,
        "changed_at": row.changed_at,
        "changed_by": row.changed_by,
        "condition": condition.replace("_", " "),
        "tone": TONES.get(condition, BAD) if seen else "",
        "uptime": name_age(seen.since) if seen else NOT_KNOWN,
        "memory": name_bytes(seen.rss_bytes) if seen else NOT_KNOWN,
        "cpu": name_seconds(seen.cpu_s) if seen else NOT_KNOWN,
        "calls": name_calls(seen.calls, seen.errors) if seen else NOT_KNOWN,
        "waiting": f"{seen.in_flight} under way, {seen.queued} wait" if seen else NOT_KNOWN,
        "breaker": seen.breaker if seen else NOT_KNOWN,
        "tools": name_count(seen.tools if seen else None),
        "quarantined": len(seen.quarantined) if seen else 0,
        "last_error": seen.last_error if seen and seen.last_error else "",
        "last_error_at": as_instant(seen.last_error_at) if seen else None,
    }


def lay_connections(seen: Observed | None) -> dict[str, Any]:
    words = "Gateway,Connection,Condition,For,Era,Process,Memory,CPU,Calls,Restarts,Last error"
    rows = [
        [
            view.instance, one.key, one.condition.value.replace("_", " "), name_age(one.since), one.era or NOT_KNOWN,
            str(one.pid or "none"), name_bytes(one.rss_bytes), name_seconds(one.cpu_s),
            name_calls(one.calls, one.errors), str(one.restarts), one.last_error or "",
        ]
        for view in (seen.gateways if seen else ())
        for one in view.seen.connections
    ]  # fmt: skip
    return {"headers": words.split(","), "rows": rows}


def lay_tools(row: McpServer, seen: Observed | None) -> list[dict[str, Any]]:
    """Those in quarantine first."""
    found = [
        {
            "name": tool.name,
            "state": tool.state.replace("_", " "),
            "is_quarantined": tool.state == "quarantined",
            "shown": tool.shown_sha256 or "",
            "approved": tool.approved_sha256 or "",
            "by": f"{tool.approved_by}, {tool.approved_at:%Y-%m-%d %H:%M} UTC" if tool.approved_at else "",
        }
        for tool in list_tools(row, seen)
    ]
    return sorted(found, key=lambda tool: (not tool["is_quarantined"], str(tool["name"])))


def name_age(since: float | None) -> str:
    """0:00:00, in days from the second on."""
    if since is None:
        return NOT_KNOWN
    age_s = max(0, int(dt.datetime.now(tz=dt.UTC).timestamp() - since))
    if age_s >= 172_800:
        return f"{age_s // 86_400} days"
    return f"{age_s // 3600}:{age_s // 60 % 60:02}:{age_s % 60:02}"


def name_calls(calls: int, failed: int) -> str:
    return f"{calls} ({failed} failed)" if failed else str(calls)


def name_bytes(count: int | None) -> str:
    return NOT_KNOWN if count is None else f"{count / (1 << 20):.0f} MB"


def name_seconds(seconds: float | None) -> str:
    return NOT_KNOWN if seconds is None else f"{seconds:.1f} s"


def name_count(count: int | None) -> str:
    return NOT_KNOWN if count is None else str(count)


def as_instant(seconds: float | None) -> dt.datetime | None:
    """None too for what no clock could have said."""
    try:
        return None if seconds is None else dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
    except (OverflowError, ValueError, OSError):
        return None
