"""A real worker over the real broker: broken, stuck and murdered cycles concern their own box and nobody else's."""

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from nodes.models.decision import CycleRun
from nodes.models.journal import JournalEntry
from nodes.pipeline.ingest import accept_snapshot
from nodes.tasks import run_node_cycle
from tenants.context import NoTenantError, enter_tenant
from tenants.models.schedule import CycleSchedule
from tenants.provisioning.schema import drop_schema
from tests.celery_worker import Worker, running_worker
from tests.committed import committed_database, find_blocked, locked
from tests.factories import Box, make_box, make_snapshot

pytestmark = pytest.mark.fault
TASK = "nodes.tasks.run_node_cycle"


@pytest.fixture(scope="module")
def worker(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with committed_database(django_db_blocker), running_worker(tmp_path_factory.mktemp("worker")) as running:
        yield running


def make_reporting_box(name: str) -> Box:
    """It has reported; its turn is far away."""
    box = make_box(name)
    CycleSchedule.objects.filter(dazbox=box.dazbox).update(next_run_at=timezone.now() + dt.timedelta(days=1))
    with enter_tenant(box.tenant):
        accept_snapshot(make_snapshot())
    return box


def make_due(*boxes: Box) -> None:
    """In this order."""
    for number, box in enumerate(boxes):
        due_at = timezone.now() - dt.timedelta(minutes=len(boxes) - number)
        CycleSchedule.objects.filter(dazbox=box.dazbox).update(next_run_at=due_at)


def row_of(box: Box) -> CycleSchedule:
    row: CycleSchedule = CycleSchedule.objects.get(dazbox=box.dazbox)
    return row


def count_runs(box: Box) -> int:
    with enter_tenant(box.tenant):
        return CycleRun.objects.count()


def test_a_broken_a_gone_and_a_stuck_box_delay_no_other(worker: Worker) -> None:
    unreadable, gone, stuck = (make_reporting_box(name) for name in ("unreadable", "gone", "stuck"))
    healthy = [make_reporting_box(f"healthy {number}") for number in range(6)]
    with enter_tenant(unreadable.tenant), connection.cursor() as cursor:
        cursor.execute("UPDATE nodes_snapshot SET content = %s", [b"\x01\xc1"])
    drop_schema(gone.dazbox.schema_name)
    with locked(stuck, "nodes_snapshot"):
        make_due(stuck, unreadable, gone, *healthy)
        assert worker.reaches(lambda: [count_runs(box) for box in healthy] == [1] * 6)
        assert (count_runs(stuck), count_runs(unreadable)) == (0, 0)
        assert worker.reaches(lambda: "lock timeout" in row_of(stuck).last_error)  # nobody waits for ever
    assert worker.reaches(lambda: row_of(gone).last_error != "" and row_of(unreadable).last_error != "")
    assert row_of(unreadable).last_error.startswith("SealBrokenError: ")
    assert row_of(gone).last_error.startswith(f'DataError: role "{gone.dazbox.schema_name}" does not exist')
    assert [row_of(box).is_slow for box in (unreadable, gone, stuck)] == [True] * 3
    assert [row_of(box).last_error for box in healthy] == [""] * 6
    make_due(stuck, *healthy)
    assert worker.reaches(lambda: [count_runs(box) for box in (stuck, *healthy)] == [1] + [2] * 6)
    assert worker.reaches(lambda: row_of(stuck).is_slow is False)


@pytest.mark.parametrize(
    "table", ["nodes_snapshot", "nodes_journalentry"], ids=["reading", "run written, not committed"]
)
def test_a_cycle_whose_process_is_killed_runs_again_and_is_recorded_once(worker: Worker, table: str) -> None:
    box, witness = make_reporting_box(f"killed at {table}"), make_reporting_box(f"beside {table}")
    with locked(box, table) as session:
        make_due(box)
        assert worker.reaches(lambda: find_blocked(session) != [])
        worker.kill_children()
        assert worker.reaches(lambda: row_of(box).is_slow)
        make_due(witness)
        assert worker.reaches(lambda: count_runs(witness) == 1)
        assert count_runs(box) == 0
    assert worker.reaches(lambda: count_runs(box) == 1)
    assert worker.reaches(lambda: row_of(box).started_at is None)
    assert (row_of(box).is_slow, row_of(box).last_error) == (False, "")
    with enter_tenant(box.tenant):
        assert JournalEntry.objects.filter(kind="cycle").count() == 1


def test_a_message_without_a_tenant_is_refused_and_the_worker_goes_on(worker: Worker) -> None:
    box = make_reporting_box("after the refusal")
    claimed_at = timezone.now().isoformat()
    worker.app.send_task(TASK, args=[claimed_at])
    worker.app.send_task(TASK, args=[claimed_at], headers={"tenant_id": "no id"})
    worker.app.send_task(TASK, args=[claimed_at], headers={"tenant_id": str(uuid.uuid4())})
    assert worker.reaches(lambda: "NoTenantError" in worker.log and "badly formed hexadecimal UUID" in worker.log), (
        worker.log
    )
    make_due(box)
    assert worker.reaches(lambda: count_runs(box) == 1)


def test_without_a_tenant_not_a_single_query_is_sent(db: None) -> None:
    with CaptureQueriesContext(connection) as queries, pytest.raises(NoTenantError, match="queue_for"):
        run_node_cycle.apply(args=("2026-11-20T12:00:00+00:00",), throw=True)
    assert len(queries) == 0
