"""Calls, from the gateways' stream into each box's own table, once each.

1. entries nobody has taken are taken, then those another worker took and never finished
2. each box's rows are written behind its door, an entry read twice is one row
3. what is written is acknowledged; what can never be written is parked beside the stream
"""

import datetime as dt
import os
import socket
from collections import defaultdict
from uuid import UUID, uuid5

import msgspec
import structlog
from django.db import DatabaseError, transaction
from django.utils import timezone
from redis.exceptions import ResponseError

from bridge.engine.audited import FIELD, STREAM, AuditedCall, decode_call
from bridge.manager.board import board
from bridge.models.call import CallDetail, McpCall
from mcp_saas.kit.crypto import SealError
from tenants.context import enter_tenant
from tenants.selectors import find_standing

log = structlog.get_logger(__name__)
NAMESPACE = UUID("7d2c6e4e-5f0b-4a53-9a0e-6f1f4a8e2b11")  # of rows, by the ids of entries
GROUP = "cloud"
PARKED = f"{STREAM}:parked"
BATCH = 1_000
MAX_BATCHES = 20  # a turn
MAX_PARKED = 1_000
LOST_AFTER_MS = 60_000  # a worker that took an entry and said nothing since
MAX_ATTEMPTS = 10
Entry = tuple[bytes, dict[bytes, bytes]]


def drain() -> int:
    """Returns how many rows were written. Raises RedisError; what was not acknowledged comes again."""
    consumer = f"{socket.gethostname()}:{os.getpid()}"
    _open_group()
    written = 0
    for _ in range(MAX_BATCHES):
        entries = _take_new(consumer) or _take_lost(consumer)
        if not entries:
            break
        written += keep(entries)
    return written


def keep(entries: list[Entry]) -> int:
    """Writes these entries and acknowledges what is done with. Returns how many rows are new or were there."""
    by_tenant: dict[UUID, list[tuple[bytes, AuditedCall]]] = defaultdict(list)
    for key, fields in entries:
        call = _read(fields)
        if call is None:
            _park(key, fields, reason="not understood")
        else:
            by_tenant[call.tenant_id].append((key, call))
    return sum(_keep_of(tenant_id, calls) for tenant_id, calls in by_tenant.items())


def purge(*, older_than: dt.timedelta, limit: int) -> int:
    """Of the box we are in: the oldest of its calls past their time. How many."""
    past = McpCall.objects.filter(at__lt=timezone.now() - older_than).order_by("at")
    return McpCall.objects.filter(id__in=list(past.values_list("id", flat=True)[:limit])).delete()[0]


def _keep_of(tenant_id: UUID, calls: list[tuple[bytes, AuditedCall]]) -> int:
    """A box that is gone has no audit any more; one whose tables cannot be written stops nobody else's."""
    keys = [key for key, _ in calls]
    standing = find_standing(tenant_id)
    if standing is None:
        _acknowledge(keys)
        return 0
    try:
        with enter_tenant(standing.tenant), transaction.atomic():
            McpCall.objects.bulk_create([_make_row(key, call) for key, call in calls], ignore_conflicts=True)
    except (DatabaseError, SealError) as error:
        log.warning("calls_not_kept", tenant=str(tenant_id), calls=len(calls), error=type(error).__name__)
        return 0
    _acknowledge(keys)
    return len(calls)


def _make_row(key: bytes, call: AuditedCall) -> McpCall:
    return McpCall(
        id=uuid5(NAMESPACE, key.decode()),
        at=dt.datetime.fromtimestamp(call.at, tz=dt.UTC),
        server=call.server[:32],
        outcome=call.outcome[:48],
        duration_ms=call.duration_ms,
        detail=CallDetail(
            subject=call.subject,
            tool=call.tool,
            arguments_sha256=call.arguments_sha256,
            request_id=call.request_id,
            instance=call.instance,
            arguments=call.arguments,
        ),
    )


def _open_group() -> None:
    try:
        board().xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    except ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


def _take_new(consumer: str) -> list[Entry]:
    answer = board().xreadgroup(GROUP, consumer, {STREAM: ">"}, count=BATCH)
    return [entry for _, entries in answer or [] for entry in entries]


def _take_lost(consumer: str) -> list[Entry]:
    """Those that failed too often are parked."""
    pending = board().xpending_range(STREAM, GROUP, "-", "+", BATCH, idle=LOST_AFTER_MS)
    if not pending:
        return []
    tried = {one["message_id"]: one["times_delivered"] for one in pending}
    entries = board().xclaim(STREAM, GROUP, consumer, LOST_AFTER_MS, list(tried))
    for key, fields in entries:
        if tried[key] >= MAX_ATTEMPTS:
            _park(key, fields, reason="failed too often")
    return [entry for entry in entries if tried[entry[0]] < MAX_ATTEMPTS]


def _read(fields: dict[bytes, bytes]) -> AuditedCall | None:
    try:
        return decode_call(fields[FIELD.encode()])
    except (KeyError, msgspec.DecodeError):
        return None


def _park(key: bytes, fields: dict[bytes, bytes], *, reason: str) -> None:
    log.warning("call_parked", entry=key.decode(), reason=reason)
    parked: dict[bytes, bytes] = {**fields, b"entry": key, b"reason": reason.encode()}
    board().xadd(PARKED, parked, maxlen=MAX_PARKED, approximate=True)
    _acknowledge([key])


def _acknowledge(keys: list[bytes]) -> None:
    board().xack(STREAM, GROUP, *keys)
