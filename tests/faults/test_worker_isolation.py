"""A real worker over the real broker: broken, stuck and murdered cycles concern their own box and nobody else's."""

import datetime as dt
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from celery import Celery
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mcp_saas.embedded.environment import celery_url
from nodes.models.decision import CycleRun
from nodes.models.journal import JournalEntry
from nodes.pipeline.ingest import accept_snapshot
from nodes.tasks import run_node_cycle
from tenants.context import NoTenantError, enter_tenant
from tenants.models.schedule import CycleSchedule
from tenants.provisioning.schema import drop_schema
from tests.committed import ROOT, child_environment, committed_database, find_blocked, lock_table, other_session
from tests.engines import shift_redis_database
from tests.factories import Box, make_box, make_snapshot
from tests.faults.embedded_instance import eventually

pytestmark = pytest.mark.fault
BROKER_DATABASE = 9  # that many on from the one of this test run: nothing else uses it
TASK = "nodes.tasks.run_node_cycle"


@dataclass(frozen=True)
class Worker:
    """`celery worker -c 2 -B`, and a client of its broker."""

    app: Celery
    log_path: Path

    @property
    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8")

    def reaches(self, state: Callable[[], bool]) -> bool:
        """Waits for it; says what the worker said last where it does not come."""
        is_reached = eventually(state)
        print(self.log[-3_000:] if not is_reached else "")
        return is_reached

    def find_busy_child(self) -> int:
        """The process that runs a cycle now."""
        found: set[int] = set()

        def ask() -> bool:
            active = self.app.control.inspect(timeout=0.5).active() or {}
            found.update(task["worker_pid"] for tasks in active.values() for task in tasks if task["name"] == TASK)
            return bool(found)

        assert self.reaches(ask)
        [pid] = found
        return pid


@pytest.fixture(scope="module")
def worker(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("worker")
    redis_url = shift_redis_database(settings.ENV.redis_url, BROKER_DATABASE)
    broker = celery_url(redis_url)
    with committed_database(django_db_blocker), redis.Redis.from_url(redis_url) as store:
        store.flushdb()
        with running_worker(folder / "log", broker), client_of(broker) as app:
            yield Worker(app, folder / "log")
        store.flushdb()


def client_of(broker: str) -> Celery:
    """Both addresses are named: Celery takes a bare broker_url from the environment first."""
    app = Celery(set_as_current=False)
    app.conf.update(broker_read_url=broker, broker_write_url=broker)
    return app


@contextmanager
def running_worker(log_path: Path, broker: str, *options: str) -> Iterator[None]:
    command = [
        sys.executable, "-m", "celery", "-A", "mcp_saas.celery", "worker", "-B", "-c", "2", "--loglevel", "INFO",
        "--schedule", str(log_path.parent / "beat"), "--without-gossip", "--without-mingle", "--without-heartbeat",
        *options,
    ]  # fmt: skip
    environment = child_environment(CELERY_BROKER_URL=broker, DJANGO_SETTINGS_MODULE="mcp_saas.settings.test")
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    family = psutil.Process(process.pid)
    try:
        assert eventually(lambda: b" ready." in log_path.read_bytes()), log_path.read_text()
        yield
    finally:
        children = family.children(recursive=True)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        for leftover in (family, *children):
            with suppress(psutil.NoSuchProcess):
                leftover.kill()
        process.wait(10)


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


@contextmanager
def locked(box: Box, table: str) -> Iterator[Any]:
    """Nobody else reads or writes this table of the box until the end of the block."""
    with other_session() as session, session.transaction():
        lock_table(session, box.dazbox.schema_name, table, mode="ACCESS EXCLUSIVE")
        yield session


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
        os.kill(worker.find_busy_child(), signal.SIGKILL)
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
    with CaptureQueriesContext(connection) as queries, pytest.raises(NoTenantError, match="send_for"):
        run_node_cycle.apply(args=("2026-11-20T12:00:00+00:00",), throw=True)
    assert len(queries) == 0
