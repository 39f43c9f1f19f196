"""The fair queue: boxes take turns, a job is done at least once, a poisoned one is parked, nobody sees another's."""

import datetime as dt
import io
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from tenants.context import current_tenant, enter_tenant
from tenants.models.dazbox import Dazbox, DazboxState, new_schema_name
from tenants.models.job import Job, JobLane
from tenants.provisioning.lifecycle import delete_dazbox, lift_suspension, restore_dazbox, suspend_dazbox
from tenants.provisioning.purge import purge_dazbox
from tenants.queue import (
    FIRST_RETRY_AFTER,
    LOST_AFTER,
    MAX_ATTEMPTS,
    MAX_HANDED_OUT,
    PARKED_KEPT,
    TURN,
    TurnClaim,
    claim_turns,
    end_turn,
    hand_out_turns,
    purge_parked,
    queue_job,
    take_turn,
    work_shift,
)
from tests.committed import run_together
from tests.factories import Box, make_box, pubkey_of

SECOND = dt.timedelta(seconds=1)
WHY = {"actor": "test", "reason": "because"}


@pytest.fixture
def handed(committed_db: None) -> list[TurnClaim]:
    """What was handed out. Committed, because handing out waits for the commit."""
    return []


@pytest.fixture
def box(handed: list[TurnClaim]) -> Box:
    return make_box("busy")


def make_rows(count: int) -> list[UUID]:
    """Boxes in service; rows only, no schemas."""
    boxes = Dazbox.objects.bulk_create(
        Dazbox(schema_name=new_schema_name(), pubkey=pubkey_of(new_schema_name()), state=DazboxState.ACTIVE)
        for _ in range(count)
    )
    JobLane.objects.bulk_create(JobLane(dazbox=box) for box in boxes)
    return [box.id for box in boxes]


def queue_many(dazbox_id: UUID, count: int) -> None:
    now = timezone.now()
    Job.objects.bulk_create(Job(dazbox_id=dazbox_id, task="count", args=[n], due_at=now) for n in range(count))


def finish(handed: list[TurnClaim]) -> list[UUID]:
    """As the workers would, a job each; whose turns they were, in order."""
    for claim in handed:
        [first] = Job.objects.filter(dazbox_id=claim.dazbox_id).order_by("due_at", "id")[:1]
        first.delete()
        end_turn(claim)
    served = [claim.dazbox_id for claim in handed]
    handed.clear()
    return served


def fail(task: str, args: list[Any]) -> None:
    raise OSError("the other side is away")


def hand_out(handed: list[TurnClaim], *, at: dt.datetime | None = None) -> int:
    """How many."""
    before = len(handed)
    hand_out_turns(at or timezone.now(), handed.append)
    return len(handed) - before


def claim_one(handed: list[TurnClaim]) -> TurnClaim:
    handed.clear()
    assert hand_out(handed) == 1
    return handed[0]


def make_due() -> None:
    Job.objects.filter(due_at__isnull=False).update(due_at=timezone.now())


def test_a_box_with_one_job_is_next_whatever_its_neighbours_have_waiting(handed: list[TurnClaim]) -> None:
    *noisy, quiet = make_rows(MAX_HANDED_OUT + 3)
    for neighbour in noisy:
        queue_many(neighbour, 50)
    for _ in range(5):
        assert hand_out(handed) == MAX_HANDED_OUT
        assert quiet not in finish(handed)
    queue_job(quiet, "count", args=[])
    hand_out(handed)
    assert quiet in finish(handed)


def test_boxes_with_many_jobs_are_served_in_turn(handed: list[TurnClaim]) -> None:
    noisy = make_rows(MAX_HANDED_OUT * 3)
    for neighbour in noisy:
        queue_many(neighbour, 4)
    served: Counter[UUID] = Counter()
    for _ in range(6):
        hand_out(handed)
        served.update(finish(handed))
    assert served == dict.fromkeys(noisy, 2)


def test_each_turn_is_claimed_once_by_many_workers_at_once(handed: list[TurnClaim]) -> None:
    waiting = make_rows(20)
    for dazbox_id in waiting:
        queue_many(dazbox_id, 3)
    claimed = run_together([partial(claim_turns, timezone.now(), limit=5)] * 8)
    ids = [claim.dazbox_id for claims in claimed if isinstance(claims, list) for claim in claims]
    assert Counter(ids) == Counter(waiting)


def test_no_more_shifts_are_handed_out_than_there_is_room_for(handed: list[TurnClaim]) -> None:
    for dazbox_id in make_rows(MAX_HANDED_OUT + 3):
        queue_many(dazbox_id, 1)
    assert (hand_out(handed), hand_out(handed)) == (MAX_HANDED_OUT, 0)
    end_turn(handed[0])
    assert hand_out(handed) == 1


def test_a_shift_goes_from_box_to_box(handed: list[TurnClaim], box: Box) -> None:
    other, done = make_box("other"), []
    for one in (box, other):
        queue_many(one.dazbox.id, 2)
    work_shift(claim_turns(timezone.now(), limit=1)[0], lambda task, args: done.append(current_tenant().id))
    assert sorted(done) == sorted([box.dazbox.id, other.dazbox.id] * 2)
    assert (Job.objects.count(), JobLane.objects.exclude(busy_since=None).count()) == (0, 0)


def test_a_job_asked_for_in_a_transaction_that_fails_was_never_asked_for(box: Box) -> None:
    with enter_tenant(box.tenant), transaction.atomic():
        queue_job(box.dazbox.id, "count", args=[])
        transaction.set_rollback(True)
    assert Job.objects.count() == 0


def test_a_turn_does_the_jobs_of_its_box_in_order_behind_its_own_door(box: Box, handed: list[TurnClaim]) -> None:
    other = make_box("other")
    done: list[tuple[Any, ...]] = []

    def run(task: str, args: list[Any]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schema()")
            done.append((task, *args, current_tenant().id, cursor.fetchone()[0]))

    for number in range(3):
        for one in (box, other):
            queue_job(one.dazbox.id, "count", args=[number])
    assert hand_out(handed) == 2
    [claim] = [claim for claim in handed if claim.dazbox_id == box.dazbox.id]
    take_turn(claim, run)
    assert done == [("count", number, box.dazbox.id, box.dazbox.schema_name) for number in range(3)]
    assert list(Job.objects.values_list("dazbox", flat=True)) == [other.dazbox.id] * 3


def test_a_turn_ends_after_a_while_and_the_rest_waits_for_the_next(
    box: Box, handed: list[TurnClaim], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_many(box.dazbox.id, 20)
    claim = claim_one(handed)
    ticks = clock(timezone.now(), step=TURN / 4)
    monkeypatch.setattr(timezone, "now", lambda: next(ticks))
    take_turn(claim, lambda task, args: None)
    assert 0 < Job.objects.count() < 20
    assert JobLane.objects.get().busy_since is None


def clock(moment: dt.datetime, *, step: dt.timedelta) -> Iterator[dt.datetime]:
    while True:
        yield moment
        moment += step


def test_a_box_has_one_turn_at_a_time(box: Box, handed: list[TurnClaim]) -> None:
    queue_many(box.dazbox.id, 20)
    claim = claim_one(handed)
    assert hand_out(handed) == 0
    end_turn(claim)
    assert hand_out(handed) == 1


def test_a_failed_job_says_why_is_tried_again_later_and_delays_no_other(box: Box, handed: list[TurnClaim]) -> None:
    done: list[str] = []
    queue_job(box.dazbox.id, "bad", args=[])
    queue_job(box.dazbox.id, "good", args=[])
    before = timezone.now()
    take_turn(claim_one(handed), lambda task, args: fail(task, args) if task == "bad" else done.append(task))
    assert done == ["good"]
    job = Job.objects.get()
    assert (job.task, job.attempts, job.last_error) == ("bad", 1, "OSError: the other side is away")
    assert job.due_at is not None
    assert before + FIRST_RETRY_AFTER <= job.due_at <= timezone.now() + FIRST_RETRY_AFTER
    assert hand_out(handed) == 0
    assert hand_out(handed, at=timezone.now() + FIRST_RETRY_AFTER) == 1


def test_a_poisoned_job_is_parked_with_its_reason_after_its_last_attempt(box: Box, handed: list[TurnClaim]) -> None:
    queue_job(box.dazbox.id, "bad", args=[])
    for _ in range(MAX_ATTEMPTS):
        make_due()
        take_turn(claim_one(handed), fail)
    job = Job.objects.get()
    assert (job.due_at, job.attempts, job.last_error) == (None, MAX_ATTEMPTS, "OSError: the other side is away")
    assert hand_out(handed, at=timezone.now() + dt.timedelta(days=1)) == 0


def test_a_job_that_kills_its_worker_each_time_is_parked_too(box: Box, handed: list[TurnClaim]) -> None:
    """SystemExit is as close to kill -9 as one process comes: nobody catches it."""

    def die(task: str, args: list[Any]) -> None:
        raise SystemExit

    queue_job(box.dazbox.id, "deadly", args=[])
    for _ in range(MAX_ATTEMPTS):
        make_due()
        with pytest.raises(SystemExit):
            take_turn(claim_one(handed), die)
    make_due()
    take_turn(claim_one(handed), die)
    job = Job.objects.get()
    assert (job.due_at, job.attempts, job.last_error) == (None, MAX_ATTEMPTS, "the worker died in the middle")


def test_a_lost_turn_is_handed_out_again_after_a_while_and_its_old_claim_is_void(
    box: Box, handed: list[TurnClaim]
) -> None:
    done: list[str] = []
    queue_job(box.dazbox.id, "count", args=[])
    old = claim_one(handed)
    assert hand_out(handed, at=old.served_at + LOST_AFTER) == 0
    assert hand_out(handed, at=old.served_at + LOST_AFTER + SECOND) == 1
    work_shift(old, lambda task, args: done.append("old"))
    assert done == []
    work_shift(handed[-1], lambda task, args: done.append("new"))
    assert (done, Job.objects.count()) == (["new"], 0)


def test_a_claim_worked_on_by_many_at_once_does_each_job_once(box: Box, handed: list[TurnClaim]) -> None:
    done: list[int] = []
    queue_many(box.dazbox.id, 20)
    claim = claim_one(handed)
    results = run_together([lambda: work_shift(claim, lambda task, args: done.append(args[0]))] * 4)
    assert results == [None] * 4
    left = [args[0] for args in Job.objects.values_list("args", flat=True)]
    assert sorted(done + left) == list(range(20))


def test_the_jobs_of_a_suspended_box_wait_until_it_is_back(box: Box, handed: list[TurnClaim]) -> None:
    queue_job(box.dazbox.id, "count", args=[])
    suspend_dazbox(box.dazbox.id, **WHY)
    assert hand_out(handed) == 0
    delete_dazbox(box.dazbox.id, **WHY, at_once=False)
    assert hand_out(handed) == 0
    restore_dazbox(box.dazbox.id, **WHY)
    lift_suspension(box.dazbox.id, **WHY)
    assert hand_out(handed) == 1


def test_the_jobs_of_a_deleted_box_go_with_it(box: Box, handed: list[TurnClaim]) -> None:
    queue_many(box.dazbox.id, 3)
    end_turn(claim_one(handed))
    delete_dazbox(box.dazbox.id, **WHY, at_once=True)
    purge_dazbox(Dazbox.objects.get(id=box.dazbox.id))
    assert (Job.objects.count(), JobLane.objects.count()) == (0, 0)


def test_what_was_parked_long_ago_goes_and_what_still_waits_stays(db: None) -> None:
    [dazbox_id] = make_rows(1)
    queue_many(dazbox_id, 4)
    parked, long_parked, *_ = Job.objects.values_list("id", flat=True)
    Job.objects.filter(id__in=[parked, long_parked]).update(due_at=None)
    long_ago = timezone.now() - PARKED_KEPT - SECOND
    Job.objects.exclude(id=parked).update(queued_at=long_ago)
    assert purge_parked(timezone.now()) == 1
    left = set(Job.objects.values_list("id", flat=True))
    assert (len(left), long_parked in left) == (3, False)


def test_where_nothing_else_runs_a_turn_cut_off_by_a_crash_is_over_at_once(box: Box, handed: list[TurnClaim]) -> None:
    queue_job(box.dazbox.id, "count", args=[])
    claim_one(handed)
    call_command("prepare", "--alone", stdout=io.StringIO())
    assert hand_out(handed) == 1
