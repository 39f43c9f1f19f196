"""The fair queue with a real worker over the real broker: fair, and nothing is lost when either of them is."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from nodes.models.forward import ForwardDay
from nodes.models.journal import JournalEntry
from nodes.pipeline.ingest import accept_snapshot
from nodes.pipeline.reencrypt import BATCH, list_sealed_models
from tenants.context import enter_tenant
from tenants.models.job import Job, JobLane
from tenants.queue import LOST_AFTER, MAX_ATTEMPTS
from tenants.sealing.tenant import list_generations
from tests.celery_worker import Worker, running_worker
from tests.committed import committed_database, find_blocked, locked
from tests.factories import Box, make_box, make_channel, make_snapshot
from tests.fakes.job_tasks import fail, kill_worker, note_neighbours, store_forward

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
def worker(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("worker")
    with committed_database(django_db_blocker), running_worker(folder, include="tests.fakes.job_tasks") as running:
        yield running


def count_forwards(box: Box) -> int:
    with enter_tenant(box.tenant):
        return sum(len(day.forwards) for day in ForwardDay.objects.all())


def count_jobs(*boxes: Box) -> int:
    return Job.objects.filter(dazbox__in=[box.dazbox for box in boxes]).count()


def make_due() -> None:
    """The waiting times of retries are over."""
    Job.objects.filter(due_at__gt=timezone.now()).update(due_at=timezone.now())


def make_lost() -> None:
    """So are those of turns of which nothing was heard."""
    JobLane.objects.exclude(busy_since=None).update(busy_since=timezone.now() - LOST_AFTER)


def test_a_quiet_box_does_not_wait_for_the_thousand_jobs_of_its_neighbour(worker: Worker) -> None:
    noisy, quiet = make_box("noisy"), make_box("quiet")
    with transaction.atomic():
        for number in range(1000):
            store_forward.queue_for(noisy.dazbox.id, number)
    assert worker.reaches(lambda: count_forwards(noisy) > 0)
    note_neighbours.queue_for(quiet.dazbox.id)
    assert worker.reaches(lambda: count_jobs(quiet) == 0)
    with enter_tenant(quiet.tenant):
        entry = JournalEntry.objects.get(kind="queue")
    assert int(str(entry.detail.facts["waiting"])) > 500
    assert count_forwards(quiet) == 0
    Job.objects.filter(dazbox=noisy.dazbox).delete()


def test_a_job_whose_process_is_killed_after_its_work_is_done_again_and_counts_once(worker: Worker) -> None:
    box = make_box("killed")
    with locked(box, "nodes_journalentry") as session:
        store_forward.queue_for(box.dazbox.id, 7)
        assert worker.reaches(lambda: find_blocked(session) != [])
        assert count_forwards(box) == 1
        worker.kill_children()
        assert worker.reaches(lambda: JobLane.objects.get(dazbox=box.dazbox).busy_since is None)
        assert Job.objects.get(dazbox=box.dazbox).last_error == "the worker died in the middle"
    make_due()
    assert worker.reaches(lambda: count_jobs(box) == 0)
    assert count_forwards(box) == 1


def test_jobs_outlive_the_loss_of_everything_the_broker_held(worker: Worker) -> None:
    box = make_box("forgotten")
    with locked(box, "nodes_forwardday") as session:
        with transaction.atomic():
            for number in range(20):
                store_forward.queue_for(box.dazbox.id, number)
        assert worker.reaches(lambda: find_blocked(session) != [])
        worker.store.flushdb()
    make_lost()
    make_due()
    assert worker.reaches(lambda: count_jobs(box) == 0)
    assert count_forwards(box) == 20


@pytest.mark.parametrize(
    ("task", "reason"),
    [(fail, "Problem: 502 away: The other side is away"), (kill_worker, "the worker died in the middle")],
    ids=["fails", "kills its process"],
)
def test_a_poisoned_job_is_parked_and_the_next_of_its_box_is_done(worker: Worker, task: Any, reason: str) -> None:
    box = make_box(f"poisoned by {task.name}")
    task.queue_for(box.dazbox.id)
    store_forward.queue_for(box.dazbox.id, 1)
    Job.objects.filter(task=task.name).update(attempts=MAX_ATTEMPTS - 1)

    def is_parked() -> bool:
        make_due()
        return Job.objects.filter(task=task.name, due_at=None).exists()

    assert worker.reaches(is_parked)
    assert worker.reaches(lambda: count_jobs(box) == 1)
    assert Job.objects.get(dazbox=box.dazbox).last_error == reason
    assert count_forwards(box) == 1


def test_boxes_are_sealed_anew_batch_by_batch_in_turns(worker: Worker) -> None:
    boxes = [make_box("first to be sealed"), make_box("second to be sealed")]
    for box in boxes:
        with enter_tenant(box.tenant):
            accept_snapshot(make_snapshot(1, [make_channel(number) for number in range(BATCH + 1)]))
    call_command("reencrypt_tenant", "--all", stdout=io.StringIO())
    assert [list_generations(box.dazbox.id) for box in boxes] == [[1, 2], [1, 2]]
    assert worker.reaches(lambda: count_jobs(*boxes) == 0)
    for box in boxes:
        with enter_tenant(box.tenant):
            assert [model.list_stale(limit=1) for model in list_sealed_models() if model.list_stale(limit=1)] == []
            entry = JournalEntry.objects.get(kind="keys")
        assert int(str(entry.detail.facts["rows"])) > BATCH
