"""The box reports forwards: each counted once, on its UTC day, and the cursor comes back."""

import datetime as dt
import json
from typing import Any

import pytest

from nodes.models.forward import ForwardDay
from nodes.pipeline.cycle import run_cycle
from nodes.selectors.forward import load_forwards
from nodes.selectors.node import read_own_node
from tenants.context import enter_tenant
from tests.api import lasting
from tests.api.case import cases
from tests.api.problem import assert_refused_at
from tests.api.tables import read_tables, read_work
from tests.conftest import ApiClient
from tests.factories import TAKEN_AT, Box, as_json, make_forward, make_snapshot

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db
MIDNIGHT = dt.datetime(2026, 10, 30, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)
WRONG = {
    "fee not the difference": {"fee_msat": 15_001},
    "out above in": {"out_msat": 50_015_001, "fee_msat": 0},
}
WRONG_FIELDS = {
    "amount negative": ("in_msat", -1),
    "amount true": ("in_msat", True),
    "amount a string": ("out_msat", "50000000"),
    "amount 1.0": ("fee_msat", 15000.0),
    "amount null": ("in_msat", None),
    "amount above 21 million bitcoin": ("in_msat", 2_100_000_000_000_000_001),
    "no channel": ("incoming_scid", "0"),
    "channel beyond 64 bits": ("incoming_scid", "16777216x1x1"),
    "output beyond 16 bits": ("outgoing_scid", "1x1x65536"),
    "channel with leading zero": ("outgoing_scid", "0800000x1x0"),
    "empty id": ("id", ""),
    "id too long": ("id", "f" * 129),
    "id a number": ("id", 7),
    "another status": ("status", "lost"),
    "naive moment": ("settled_at", "2026-10-30T00:00:00"),
    "moment before Bitcoin": ("settled_at", "2008-12-31T00:00:00Z"),
    "moment before the calendar": ("settled_at", "0001-01-01T00:00:00+14:00"),
    "moment after the calendar": ("settled_at", "9999-12-31T23:59:59-14:00"),
    "unknown field": ("tenant_id", "x"),
}
WRONG_TOP = {
    "unknown field": ({"events": [], "pubkey": "02"}, "/pubkey"),
    "events an object": ({"events": {}}, "/events"),
    "events null": ({"events": None}, "/events"),
    "an event is no object": ({"events": ["forward-1"]}, "/events/0"),
    "cursor a number": ({"cursor": 7}, "/cursor"),
    "cursor too long": ({"cursor": "c" * 129}, "/cursor"),
    "NUL in the cursor": ({"cursor": "a\x00"}, "/cursor"),
}


def send(api: ApiClient, box: Box, events: list[Any], cursor: str | None = None) -> Any:
    return api.post(box.path("forwards"), {"events": events, "cursor": cursor}, token=api.token_of(box))


def send_and_compare(api: ApiClient, box: Box, body: Any) -> Any:
    before = read_tables(box)
    answer = api.post(box.path("forwards"), body, token=api.token_of(box))
    assert read_tables(box) == before
    return answer


def read_days(box: Box) -> dict[dt.date, list[str]]:
    with enter_tenant(box.tenant):
        days = list(ForwardDay.objects.order_by("day"))
    return {row.day: [forward.id for forward in row.forwards] for row in days}


def test_new_forwards_are_counted_and_the_cursor_comes_back(api: ApiClient, charlie: Box) -> None:
    answer = send(api, charlie, [make_forward(1), make_forward(2)], "offset-2")
    assert (answer.status, answer.json) == (200, {"stored": 2, "cursor": "offset-2", "set_aside": 0})


def test_a_batch_sent_again_adds_nothing(api: ApiClient, charlie: Box) -> None:
    batch = [make_forward(number) for number in range(1, 4)]
    assert send(api, charlie, batch, "3").json["stored"] == 3
    before = read_work(charlie)
    assert send(api, charlie, batch, "3").json == {"stored": 0, "cursor": "3", "set_aside": 0}
    assert read_work(charlie) == before


def test_overlapping_batches_add_what_is_new(api: ApiClient, charlie: Box) -> None:
    assert send(api, charlie, [make_forward(1), make_forward(2)]).json["stored"] == 2
    assert send(api, charlie, [make_forward(2), make_forward(3)]).json["stored"] == 1
    assert sorted(read_days(charlie)[TAKEN_AT.date()]) == ["forward-1", "forward-2", "forward-3"]


def test_a_forward_twice_in_one_batch_is_one(api: ApiClient, charlie: Box) -> None:
    assert send(api, charlie, [make_forward(1), make_forward(2), make_forward(1)]).json["stored"] == 2


def test_the_first_report_of_a_forward_stands(api: ApiClient, charlie: Box) -> None:
    send(api, charlie, [make_forward(1)])
    other = make_forward(1, in_msat=9, out_msat=9, fee_msat=0)
    assert send(api, charlie, [other]).json["stored"] == 0
    with enter_tenant(charlie.tenant):
        [kept] = load_forwards(since=TAKEN_AT - dt.timedelta(days=1), until=TAKEN_AT)
    assert kept == make_forward(1)


def test_without_a_cursor_the_last_one_is_answered(api: ApiClient, charlie: Box) -> None:
    assert send(api, charlie, [], None).json == {"stored": 0, "cursor": "", "set_aside": 0}
    send(api, charlie, [make_forward(1)], "7")
    assert send(api, charlie, [make_forward(2)], None).json == {"stored": 1, "cursor": "7", "set_aside": 0}
    assert api.post(charlie.path("forwards"), {}, token=api.token_of(charlie)).json == {
        "stored": 0,
        "cursor": "7",
        "set_aside": 0,
    }


def test_a_cursor_moves_without_events_too(api: ApiClient, charlie: Box) -> None:
    send(api, charlie, [], "8")
    assert send(api, charlie, [], None).json["cursor"] == "8"


def test_forwards_lie_on_their_utc_day(api: ApiClient, charlie: Box) -> None:
    east = dt.timezone(dt.timedelta(hours=14))
    events = [
        make_forward(1, settled_at=MIDNIGHT - MICROSECOND),
        make_forward(2, settled_at=MIDNIGHT),
        make_forward(3, settled_at=(MIDNIGHT - MICROSECOND).astimezone(east)),
        make_forward(4, settled_at=(MIDNIGHT + dt.timedelta(days=1)).astimezone(east)),
    ]
    assert send(api, charlie, events).json["stored"] == 4
    assert read_days(charlie) == {
        dt.date(2026, 10, 29): ["forward-1", "forward-3"],
        dt.date(2026, 10, 30): ["forward-2"],
        dt.date(2026, 10, 31): ["forward-4"],
    }


def test_one_moment_in_two_zones_is_one_forward(api: ApiClient, charlie: Box) -> None:
    west = dt.timezone(dt.timedelta(hours=-11))
    send(api, charlie, [make_forward(1, settled_at=MIDNIGHT)])
    assert send(api, charlie, [make_forward(1, settled_at=MIDNIGHT.astimezone(west))]).json["stored"] == 0


def test_a_window_ends_before_its_last_moment(api: ApiClient, charlie: Box) -> None:
    moments = [
        MIDNIGHT - MICROSECOND,
        MIDNIGHT,
        MIDNIGHT + dt.timedelta(days=1) - MICROSECOND,
        MIDNIGHT + dt.timedelta(days=1),
    ]
    send(api, charlie, [make_forward(number, settled_at=moment) for number, moment in enumerate(moments)])
    with enter_tenant(charlie.tenant):
        found = load_forwards(since=MIDNIGHT, until=MIDNIGHT + dt.timedelta(days=1))
    assert [forward.id for forward in found] == ["forward-1", "forward-2"]


def test_late_forwards_of_a_day_are_sorted_in(api: ApiClient, charlie: Box) -> None:
    for number in (2, 1, 3):
        send(api, charlie, [make_forward(number)])
    assert read_days(charlie) == {dt.date(2026, 11, 1): ["forward-3", "forward-2", "forward-1"]}


def test_what_was_reported_is_what_the_next_cycle_stands_on(api: ApiClient, charlie: Box) -> None:
    send(api, charlie, [make_forward(number) for number in range(1, 4)], "3")
    token = api.token_of(charlie)
    assert api.post(charlie.path("snapshots"), make_snapshot(1), token=token).status == 201
    with enter_tenant(charlie.tenant):
        run_cycle()
    flows = [
        item["inputs"]["flow"]["forwards_7d"] for item in api.get(charlie.path("decisions"), token=token).json["items"]
    ]
    assert flows == [3, 3]


def test_forwards_older_than_lightning_are_set_aside_and_counted(api: ApiClient, charlie: Box) -> None:
    """One wrong clock would make years of the node look known; refused, it would stop the box at this batch."""
    old = dt.datetime(2009, 2, 1, tzinfo=dt.UTC)
    batch = [make_forward(1, settled_at=old), make_forward(2), make_forward(3, settled_at=old.replace(year=2017))]
    assert send(api, charlie, batch, "9").json == {"stored": 1, "cursor": "9", "set_aside": 2}
    assert read_days(charlie) == {dt.date(2026, 11, 1): ["forward-2"]}
    with enter_tenant(charlie.tenant):
        assert read_own_node().history_since == make_forward(2).settled_at


def test_a_failed_forward_earned_nothing_and_needs_no_matching_fee(api: ApiClient, charlie: Box) -> None:
    failed = make_forward(1, status="failed", in_msat=5, out_msat=0, fee_msat=0)
    assert send(api, charlie, [failed]).json["stored"] == 1


@cases(WRONG)
def test_a_settled_forward_whose_fee_is_not_in_minus_out_is_refused(api: ApiClient, alice: Box, case: Any) -> None:
    event = as_json(make_forward(100)) | case
    answer = send_and_compare(api, alice, {"events": [as_json(make_forward(99)), event], "cursor": "100"})
    assert_refused_at(answer, "/events/1/fee_msat")


@cases(WRONG_FIELDS)
def test_one_wrong_field_and_nothing_of_the_batch_is_taken(api: ApiClient, alice: Box, case: tuple[str, Any]) -> None:
    field, value = case
    event = as_json(make_forward(100)) | {field: value}
    answer = send_and_compare(api, alice, {"events": [as_json(make_forward(99)), event], "cursor": "100"})
    assert_refused_at(answer, f"/events/1/{field}")


@pytest.mark.parametrize("field", ["id", "incoming_scid", "in_msat", "fee_msat", "settled_at"])
def test_a_missing_field_is_named(api: ApiClient, alice: Box, field: str) -> None:
    event = as_json(make_forward(100))
    del event[field]
    assert_refused_at(send_and_compare(api, alice, {"events": [event]}), f"/events/0/{field}", code="missing")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400", "9" * 5000])
def test_what_is_no_number_in_json_is_refused_at_its_field(api: ApiClient, alice: Box, number: str) -> None:
    text = json.dumps({"events": [as_json(make_forward(100))]}).replace("50015000", number)
    assert_refused_at(send_and_compare(api, alice, text.encode()), "/events/0/in_msat")


@cases(WRONG_TOP)
def test_a_wrong_body_is_refused_at_its_field(api: ApiClient, alice: Box, case: tuple[Any, str]) -> None:
    body, pointer = case
    assert_refused_at(send_and_compare(api, alice, body), pointer)


def test_forwards_of_the_future_are_refused_with_a_word_about_the_clock(api: ApiClient, alice: Box) -> None:
    late = make_forward(100, settled_at=dt.datetime(2099, 1, 1, tzinfo=dt.UTC))
    answer = send_and_compare(api, alice, {"events": [make_forward(99), late]})
    assert_refused_at(answer, "/events/1/settled_at", status=422, code="in-the-future")
    assert "clock" in answer.json["detail"]


def test_a_batch_holds_at_most_ten_thousand(api: ApiClient, charlie: Box) -> None:
    event = as_json(make_forward(1))
    events = [event | {"id": str(number)} for number in range(10_001)]
    assert_refused_at(send_and_compare(api, charlie, {"events": events}), "/events")
    assert send(api, charlie, events[:-1]).json["stored"] == 10_000
