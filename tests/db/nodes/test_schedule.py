"""Whose cycle is due: each box once, spread over the period, the slow and the lost kept out of everybody's way."""

import datetime as dt
import io
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from queue import Empty, Queue
from typing import Any, TypeVar
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from mcp_saas.kit.crypto import SealBrokenError
from nodes.models.decision import CycleRun
from nodes.pipeline.ingest import accept_snapshot
from nodes.pipeline.schedule import (
    LOST_AFTER,
    MAX_HANDED_OUT,
    SETTLE_TIME,
    SLOW_AFTER,
    CycleClaim,
    claim_due_cycles,
    request_cycle,
    return_lost_cycle,
    run_claimed_cycle,
)
from tenants.context import enter_tenant
from tenants.engine.turn import find_period_turn
from tenants.models.dazbox import Dazbox, DazboxState, new_schema_name
from tenants.models.schedule import CycleSchedule
from tests.committed import run_together
from tests.factories import Box, make_box, make_snapshot, pubkey_of

T = TypeVar("T")
NOW = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)
PERIOD = dt.timedelta(hours=1)
EARLIER = NOW - dt.timedelta(minutes=1)
next_turn = partial(find_period_turn, period_s=3600)


def make_rows(count: int, **schedule_fields: Any) -> list[UUID]:
    """Boxes in service, due a minute ago; rows only, no schemas."""
    boxes = Dazbox.objects.bulk_create(
        Dazbox(
            id=UUID(int=first_id() + number), schema_name=new_schema_name(), pubkey=pubkey_of(new_schema_name()),
            state=DazboxState.ACTIVE,
        )
        for number in range(count)
    )  # fmt: skip
    CycleSchedule.objects.bulk_create(
        CycleSchedule(**({"dazbox": box, "next_run_at": EARLIER} | schedule_fields)) for box in boxes
    )
    return [box.id for box in boxes]


def first_id() -> int:
    return 1 + int(Dazbox.objects.count())


@pytest.fixture
def handed(committed_db: None) -> list[CycleClaim]:
    """What was handed out. Committed, because handing out waits for the commit."""
    return []


@pytest.fixture
def box(handed: list[CycleClaim]) -> Box:
    """A box that has reported, due a minute ago."""
    made = make_box("cycling")
    with enter_tenant(made.tenant):
        accept_snapshot(make_snapshot())
    CycleSchedule.objects.update(next_run_at=EARLIER)
    return made


def row_of(box_id: UUID) -> CycleSchedule:
    row: CycleSchedule = CycleSchedule.objects.get(dazbox_id=box_id)
    return row


def count_runs(box: Box) -> int:
    with enter_tenant(box.tenant):
        return CycleRun.objects.count()


def finish(handed: list[CycleClaim]) -> None:
    """As the workers would, all well."""
    for claim in handed:
        CycleSchedule.objects.filter(dazbox_id=claim.dazbox_id).update(started_at=None)
    handed.clear()


def test_each_due_box_is_handed_out_once_by_many_dispatchers_at_once(handed: list[CycleClaim]) -> None:
    due = make_rows(MAX_HANDED_OUT - 10)
    later = make_rows(3, next_run_at=NOW + dt.timedelta(seconds=1))
    counts = run_together([partial(claim_due_cycles, NOW, handed.append)] * 8)
    counts += [claim_due_cycles(NOW, handed.append) for _ in range(3)]
    assert sum(count for count in counts if isinstance(count, int)) == len(due)
    assert Counter(claim.dazbox_id for claim in handed) == Counter(due)
    assert not {claim.dazbox_id for claim in handed} & set(later)


def test_only_boxes_in_service_are_handed_out(handed: list[CycleClaim]) -> None:
    [active, cut_off] = make_rows(2)
    Dazbox.objects.filter(id=cut_off).update(state=DazboxState.PROVISIONING)
    claim_due_cycles(NOW, handed.append)
    assert handed == [CycleClaim(active, NOW)]


def test_no_more_is_handed_out_than_two_workers_can_end_before_it_counts_as_lost(handed: list[CycleClaim]) -> None:
    due = make_rows(MAX_HANDED_OUT + 7)
    assert claim_due_cycles(NOW, handed.append) == MAX_HANDED_OUT
    assert claim_due_cycles(NOW, handed.append) == 0
    first = {claim.dazbox_id for claim in handed}
    finish(handed)
    assert claim_due_cycles(NOW, handed.append) == 7
    assert first | {claim.dazbox_id for claim in handed} == set(due)
    assert MAX_HANDED_OUT * SLOW_AFTER / 2 < LOST_AFTER


def test_of_the_slow_one_at_a_time_is_handed_out_and_of_the_others_all(handed: list[CycleClaim]) -> None:
    slow, healthy = make_rows(10, is_slow=True), make_rows(20)
    run_together([partial(claim_due_cycles, NOW, handed.append)] * 8)
    claim_due_cycles(NOW, handed.append)
    ids = [claim.dazbox_id for claim in handed]
    assert set(healthy) <= set(ids)
    assert len([dazbox_id for dazbox_id in ids if dazbox_id in slow]) == 1


def test_the_slow_take_turns_and_none_is_forgotten(handed: list[CycleClaim]) -> None:
    slow = make_rows(10, is_slow=True)
    turns = []
    for _ in slow:
        assert claim_due_cycles(NOW, handed.append) == 1
        assert claim_due_cycles(NOW, handed.append) == 0
        turns.append(handed[0].dazbox_id)
        finish(handed)
    assert sorted(turns) == sorted(slow)


def test_ten_thousand_boxes_fall_due_evenly_over_the_period() -> None:
    turns = Counter(next_turn(UUID(int=number), NOW) for number in range(10_000))
    per_minute = Counter(turn.replace(second=0) for turn in turns.elements())
    assert all(NOW < turn <= NOW + PERIOD for turn in turns)
    assert max(turns.values()) <= 15  # 2.8 a second on average
    assert len(per_minute) in {60, 61}
    assert max(per_minute.values()) <= 230  # 167 a minute on average


def test_turns_come_once_a_period_at_the_same_place_for_ever() -> None:
    for number in range(200):
        first = next_turn(UUID(int=number), NOW)
        assert next_turn(UUID(int=number), first - dt.timedelta(microseconds=1)) == first
        assert next_turn(UUID(int=number), first) == first + PERIOD
        assert next_turn(UUID(int=number), first + PERIOD * 24 * 365) == first + PERIOD * (24 * 365 + 1)


def test_a_new_box_has_its_turn_within_the_period(db: None) -> None:
    made = make_box("new")
    turn = row_of(made.dazbox.id).next_run_at
    assert turn == next_turn(made.dazbox.id, made.dazbox.created_at)


@pytest.mark.parametrize("lateness", [dt.timedelta(seconds=1), dt.timedelta(minutes=40), dt.timedelta(days=3)])
def test_a_late_dispatch_does_not_move_the_turns(handed: list[CycleClaim], lateness: dt.timedelta) -> None:
    [box_id] = make_rows(1)
    turn = next_turn(box_id, NOW)
    CycleSchedule.objects.update(next_run_at=turn)
    assert claim_due_cycles(turn + lateness, handed.append) == 1
    following = row_of(box_id).next_run_at
    assert turn + lateness < following <= turn + lateness + PERIOD
    assert (following - turn) % PERIOD == dt.timedelta(0)


def test_a_request_brings_a_box_forward_once_and_its_turns_stay(handed: list[CycleClaim]) -> None:
    [box_id] = make_rows(1)
    turn = next_turn(box_id, NOW)
    CycleSchedule.objects.update(next_run_at=turn)
    request_cycle(box_id, NOW)
    assert row_of(box_id).next_run_at == NOW + SETTLE_TIME
    request_cycle(box_id, NOW + dt.timedelta(seconds=1))
    assert row_of(box_id).next_run_at == NOW + SETTLE_TIME  # asking again does not put it off
    assert claim_due_cycles(NOW + SETTLE_TIME, handed.append) == 1
    assert row_of(box_id).next_run_at == turn


def test_a_request_during_a_cycle_gives_another_after_it(handed: list[CycleClaim]) -> None:
    [box_id] = make_rows(1)
    claim_due_cycles(NOW, handed.append)
    request_cycle(box_id, NOW)
    assert claim_due_cycles(NOW + SETTLE_TIME, handed.append) == 0
    finish(handed)
    assert claim_due_cycles(NOW + SETTLE_TIME, handed.append) == 1


def test_a_schedule_that_cannot_be_kept_any_more_stops_nobody(handed: list[CycleClaim]) -> None:
    lost, other = make_rows(2)
    CycleSchedule.objects.filter(dazbox_id=lost).update(cron="0 0 * * *", time_zone="Gone/Under")
    assert claim_due_cycles(NOW, handed.append) == 2
    assert {claim.dazbox_id for claim in handed} == {lost, other}
    assert row_of(lost).next_run_at == next_turn(lost, NOW)


def test_dispatchers_workers_and_triggers_together_never_run_a_box_twice_at_once(box: Box) -> None:
    """Whoever is free asks for a cycle, as a report does, dispatches, and works on what was handed out to anybody."""
    moments: Queue[dt.datetime] = Queue()
    for number in range(4000):
        moments.put(NOW + dt.timedelta(milliseconds=50 * number))  # all of them before a cycle counts as lost
    claims: Queue[CycleClaim] = Queue()
    taken: list[CycleClaim] = []

    def live() -> None:
        while len(taken) < 10 and (now := poll(moments)) is not None:
            request_cycle(box.dazbox.id, now - SETTLE_TIME)
            claim_due_cycles(now, claims.put)
            if (claim := poll(claims)) is not None:
                taken.append(claim)
                with enter_tenant(box.tenant):
                    run_claimed_cycle(claim)

    assert run_together([live] * 6) == [None] * 6
    with enter_tenant(box.tenant):
        spans = sorted(CycleRun.objects.values_list("started_at", "finished_at"))
    assert len(spans) == len(taken) >= 10
    assert [later[0] >= earlier[1] for earlier, later in pairwise(spans)] == [True] * (len(spans) - 1)


def poll(queue: "Queue[T]") -> T | None:
    try:
        return queue.get_nowait()
    except Empty:
        return None


def test_a_claim_is_one_run_however_often_it_is_handed_out(box: Box, handed: list[CycleClaim]) -> None:
    claim_due_cycles(NOW, handed.append)
    [claim] = handed
    for _ in range(3):
        with enter_tenant(box.tenant):
            run_claimed_cycle(claim)
    assert count_runs(box) == 1
    row = row_of(box.dazbox.id)
    assert (row.started_at, row.is_slow, row.last_error) == (None, False, "")


def test_a_claim_worked_on_by_many_at_once_is_one_run(box: Box, handed: list[CycleClaim]) -> None:
    claim_due_cycles(NOW, handed.append)

    def work() -> None:
        with enter_tenant(box.tenant):
            run_claimed_cycle(handed[0])

    assert run_together([work] * 8) == [None] * 8
    assert count_runs(box) == 1


def test_a_failed_cycle_leaves_no_run_says_why_and_goes_to_the_slow_lane(box: Box, handed: list[CycleClaim]) -> None:
    spoil_snapshot(box)
    claim_due_cycles(NOW, handed.append)
    with enter_tenant(box.tenant), pytest.raises(SealBrokenError):
        run_claimed_cycle(handed[0])
    row = row_of(box.dazbox.id)
    assert (row.started_at, row.is_slow) == (None, True)
    assert row.last_error == "SealBrokenError: nodes_snapshot.content of row 1 holds no sealed value"
    assert count_runs(box) == 0


def test_a_database_error_in_a_cycle_is_parked_too_and_a_long_one_is_cut(box: Box, handed: list[CycleClaim]) -> None:
    claim_due_cycles(NOW, handed.append)
    Dazbox.objects.filter(id=box.dazbox.id).update(schema_name="dz_" + "f" * 20)
    box.dazbox.refresh_from_db()
    with enter_tenant(box.tenant), pytest.raises(DatabaseError):
        run_claimed_cycle(handed[0])
    error = row_of(box.dazbox.id).last_error
    assert error.startswith('DataError: role "dz_ffffffffffffffffffff" does not exist')
    assert len(error) <= 200


def test_a_box_that_is_well_again_leaves_the_slow_lane(box: Box, handed: list[CycleClaim]) -> None:
    CycleSchedule.objects.update(is_slow=True, last_error="was ill")
    claim_due_cycles(NOW, handed.append)
    with enter_tenant(box.tenant):
        run_claimed_cycle(handed[0])
    row = row_of(box.dazbox.id)
    assert (row.is_slow, row.last_error) == (False, "")


def test_a_cycle_that_took_long_goes_to_the_slow_lane(
    box: Box, handed: list[CycleClaim], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock goes eleven seconds with every look at it."""
    ticks = clock(dt.timedelta(seconds=11))
    monkeypatch.setattr(timezone, "now", lambda: next(ticks))
    claim_due_cycles(NOW, handed.append)
    with enter_tenant(box.tenant):
        run_claimed_cycle(handed[0])
    row = row_of(box.dazbox.id)
    assert (row.is_slow, row.last_error) == (True, "")
    assert count_runs(box) == 1


def clock(step: dt.timedelta) -> Iterator[dt.datetime]:
    moment = NOW
    while True:
        yield moment
        moment += step


def test_a_lost_cycle_comes_back_after_a_while_in_the_slow_lane_and_its_old_claim_is_void(
    box: Box, handed: list[CycleClaim]
) -> None:
    claim_due_cycles(NOW, handed.append)
    assert claim_due_cycles(NOW + LOST_AFTER, handed.append) == 0
    later = NOW + LOST_AFTER + dt.timedelta(seconds=1)
    assert claim_due_cycles(later, handed.append) == 1
    row = row_of(box.dazbox.id)
    assert (row.started_at, row.is_slow, row.last_error) == (later, True, "the worker died during the cycle")
    old, new = handed
    with enter_tenant(box.tenant):
        run_claimed_cycle(old)
        assert CycleRun.objects.count() == 0
        run_claimed_cycle(new)
        assert CycleRun.objects.count() == 1
    assert row_of(box.dazbox.id).is_slow is False


def test_a_box_that_kills_its_workers_gets_one_more_try_then_waits_for_its_turn(handed: list[CycleClaim]) -> None:
    [box_id] = make_rows(1)
    claim_due_cycles(NOW, handed.append)
    return_lost_cycle(handed[0], NOW)
    assert claim_due_cycles(NOW, handed.append) == 1
    return_lost_cycle(handed[1], NOW)
    assert claim_due_cycles(NOW, handed.append) == 0
    row = row_of(box_id)
    assert (row.started_at, row.is_slow, row.next_run_at) == (None, True, next_turn(box_id, NOW))


def test_the_report_of_a_death_changes_nothing_once_the_claim_is_over(handed: list[CycleClaim]) -> None:
    [box_id] = make_rows(1)
    claim_due_cycles(NOW, handed.append)
    claim = handed[0]
    finish(handed)
    return_lost_cycle(claim, NOW)
    row = row_of(box_id)
    assert (row.is_slow, row.last_error) == (False, "")


def spoil_snapshot(box: Box) -> None:
    with enter_tenant(box.tenant), connection.cursor() as cursor:
        cursor.execute("UPDATE nodes_snapshot SET content = %s", [b"\xff"])


def test_where_nothing_else_runs_a_cycle_cut_off_by_a_crash_is_due_again_at_once(charlie: Box) -> None:
    before = timezone.now()
    CycleSchedule.objects.filter(dazbox=charlie.dazbox).update(
        started_at=before, next_run_at=before + dt.timedelta(hours=1)
    )
    connection.check_constraints()  # a commit would have; a table with rows to check yet cannot be altered
    call_command("prepare", "--alone", stdout=io.StringIO())
    row = CycleSchedule.objects.get(dazbox=charlie.dazbox)
    assert row.started_at is None
    assert before <= row.next_run_at <= timezone.now()
