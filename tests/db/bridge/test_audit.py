"""Each call at a gateway becomes one row of the box in whose name it was made, and of nobody else."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from bridge.engine.audited import FIELD, STREAM, AuditedCall, encode_call
from bridge.manager import audit
from bridge.manager.audit import GROUP, PARKED, drain, keep, purge
from bridge.models.call import McpCall
from bridge.models.secret import McpSecret, OwnSecret
from bridge.tasks import drain_audit, purge_calls
from tenants.context import enter_tenant, use_schema
from tenants.events import announce_owner_change
from tests.factories import Box


def make_call(box: Box | None, **said: Any) -> AuditedCall:
    usual: dict[str, Any] = {
        "at": 1_793_534_400.5, "tenant_id": box.dazbox.id if box else uuid.uuid4(), "subject": "api-key:1",
        "server": "echo", "tool": "secret-tool", "arguments_sha256": "ab" * 32, "outcome": "ok", "duration_ms": 1.5,
        "request_id": str(uuid.uuid4()), "instance": "a",
    }  # fmt: skip
    return AuditedCall(**usual | said)


def write(board: Any, *calls: AuditedCall) -> None:
    for call in calls:
        board.xadd(STREAM, {FIELD: encode_call(call)})


def rows_of(box: Box) -> list[McpCall]:
    with enter_tenant(box.tenant):
        return list(McpCall.objects.order_by("id"))


def test_a_call_is_a_row_of_its_box(empty_board: Any, alice: Box, bob: Box) -> None:
    write(empty_board, make_call(alice), make_call(bob, server="other", arguments='{"q": 1}'))
    assert drain() == 2
    [row] = rows_of(alice)
    assert (row.server, row.outcome, row.duration_ms, row.detail.tool) == ("echo", "ok", 1.5, "secret-tool")
    assert row.at == dt.datetime(2026, 11, 1, 12, 0, 0, 500_000, tzinfo=dt.UTC)
    assert row.detail.arguments is None
    assert [row.detail.arguments for row in rows_of(bob)] == ['{"q": 1}']
    assert drain() == 0


def test_an_entry_read_twice_is_one_row(empty_board: Any, alice: Box) -> None:
    write(empty_board, make_call(alice), make_call(alice))
    entries = empty_board.xrange(STREAM)
    audit._open_group()
    keep(entries)
    keep(entries)
    assert len(rows_of(alice)) == 2


def test_who_asked_for_what_lies_sealed(empty_board: Any, alice: Box) -> None:
    write(empty_board, make_call(alice))
    drain()
    with enter_tenant(alice.tenant), connection.cursor() as cursor:
        cursor.execute("SELECT detail FROM bridge_mcpcall")
        [(stored,)] = cursor.fetchall()
    assert b"secret-tool" not in bytes(stored)


def test_what_is_no_call_is_parked_and_stops_nobody(empty_board: Any, alice: Box) -> None:
    empty_board.xadd(STREAM, {FIELD: b"{"})
    empty_board.xadd(STREAM, {"other": b"x"})
    write(empty_board, make_call(alice))
    drain_audit()
    assert len(rows_of(alice)) == 1
    assert empty_board.xlen(PARKED) == 2
    assert empty_board.xpending(STREAM, GROUP)["pending"] == 0


def test_a_box_that_is_gone_has_no_audit_and_stops_nobody(empty_board: Any, alice: Box) -> None:
    write(empty_board, make_call(None), make_call(alice))
    assert drain() == 1
    assert empty_board.xpending(STREAM, GROUP)["pending"] == 0


def test_what_a_killed_worker_took_is_written_by_another(
    empty_board: Any, alice: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(empty_board, make_call(alice))
    audit._open_group()
    empty_board.xreadgroup(GROUP, "killed", {STREAM: ">"})
    assert drain() == 0
    monkeypatch.setattr(audit, "LOST_AFTER_MS", 0)
    drain()
    assert len(rows_of(alice)) == 1


def test_a_box_whose_table_is_away_waits_and_the_others_go_on(empty_board: Any, alice: Box, bob: Box) -> None:
    with use_schema(alice.tenant.schema_name), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE bridge_mcpcall RENAME TO elsewhere")
    write(empty_board, make_call(alice), make_call(bob))
    assert drain() == 1
    assert empty_board.xpending(STREAM, GROUP)["pending"] == 1


def test_calls_past_their_time_go(empty_board: Any, alice: Box, settings: Any) -> None:
    now = timezone.now().timestamp()
    write(empty_board, make_call(alice, at=now - 91 * 86_400), make_call(alice, at=now))
    drain()
    with enter_tenant(alice.tenant):
        assert purge(older_than=dt.timedelta(days=90), limit=10) == 1
    assert len(rows_of(alice)) == 1
    purge_calls()


def test_the_next_owner_reads_nothing_of_the_one_before(empty_board: Any, alice: Box) -> None:
    write(empty_board, make_call(alice))
    drain()
    with enter_tenant(alice.tenant):
        McpSecret(server="echo", set_at=timezone.now(), secret=OwnSecret(bearer="x")).save()
    announce_owner_change(alice.tenant)
    with enter_tenant(alice.tenant):
        assert (McpCall.objects.count(), McpSecret.objects.count()) == (0, 0)
