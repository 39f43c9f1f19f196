"""From rows and what gateways told to what the API says."""

import datetime as dt
from typing import Any
from uuid import UUID

import msgspec

from bridge.api.answer_contract import (
    CallAnswer,
    DesiredServer,
    LogLineAnswer,
    ObservedConnection,
    ObservedServer,
    ServerAnswer,
    ToolAnswer,
    ToolList,
)
from bridge.api.contract import hide_secrets
from bridge.catalogue.models import McpServer
from bridge.engine.merge import Observed
from bridge.manager.log import LogLine
from bridge.models.call import McpCall
from bridge.selectors.admin_table import as_instant
from bridge.selectors.catalogue import is_built_in, read_rules, read_server, tell_silence
from bridge.selectors.tools import list_tools


def describe_server(row: McpServer, seen: Observed | None, *, tenant_id: UUID | None) -> ServerAnswer:
    """`tenant_id`: who asks; None: an operator, who sees all of it."""
    is_operator = tenant_id is None
    return ServerAnswer(
        name=row.name,
        is_built_in=is_built_in(row),
        condition=seen.condition.value if seen else "unknown",
        should_run=row.should_run,
        tools=seen.tools if seen else None,
        takes_own_secrets=read_rules(row).pool.policy == "per_credential",
        note=None if seen else tell_silence(row),
        desired=describe_desired(row) if is_operator else None,
        observed=describe_observed(seen) if is_operator and seen else None,
    )


def describe_desired(row: McpServer) -> DesiredServer:
    said: dict[str, Any] = msgspec.to_builtins(read_server(row))
    pins = said["pins"]
    shown = {
        "transport": hide_secrets(said["transport"]),
        "pins": None if pins is None else {pin["tool"]: pin["sha256"] for pin in pins},
        "changed_at": row.changed_at.isoformat() if row.changed_at else None,
        "changed_by": row.changed_by or None,
    }
    return msgspec.convert(said | shown, DesiredServer)


def describe_observed(seen: Observed) -> ObservedServer:
    return ObservedServer(
        condition=seen.condition.value,
        revision=seen.revision,
        gateways=[view.instance for view in seen.gateways],
        since=as_instant(seen.since),
        in_flight=seen.in_flight,
        queued=seen.queued,
        calls=seen.calls,
        errors=seen.errors,
        restarts=seen.restarts,
        rss_bytes=seen.rss_bytes,
        cpu_s=seen.cpu_s,
        breaker=seen.breaker,
        tools=seen.tools,
        quarantined=list(seen.quarantined),
        last_error=seen.last_error,
        last_error_at=as_instant(seen.last_error_at),
        connections=[
            msgspec.convert(
                msgspec.to_builtins(one)
                | {"gateway": view.instance, "since": dt.datetime.fromtimestamp(one.since, tz=dt.UTC).isoformat()},
                ObservedConnection,
            )
            for view in seen.gateways
            for one in view.seen.connections
        ],
    )


def describe_tools(row: McpServer, seen: Observed | None, *, tenant_id: UUID | None) -> ToolList:
    """Tenants see what may be called."""
    items = [
        ToolAnswer(tool.name, tool.state, tool.approved_sha256, tool.shown_sha256, tool.approved_at, tool.approved_by)
        for tool in list_tools(row, seen)
    ]
    if tenant_id is not None:
        allowed = read_rules(row).access.tools
        items = [one for one in items if one.state == "approved" and (allowed is None or one.name in allowed)]
        items = [msgspec.structs.replace(one, approved_by=None, approved_at=None) for one in items]
    return ToolList(items, None if seen else tell_silence(row))


def describe_line(line: LogLine) -> LogLineAnswer:
    return LogLineAnswer(line.id, as_instant(line.at), line.stream, line.pid, line.text)


def describe_call(call: McpCall) -> CallAnswer:
    detail = call.detail
    return CallAnswer(
        id=call.id,
        at=call.at,
        server=call.server,
        tool=detail.tool,
        subject=detail.subject,
        outcome=call.outcome,
        duration_ms=call.duration_ms,
        arguments_sha256=detail.arguments_sha256,
        arguments=detail.arguments,
        request_id=detail.request_id,
    )
