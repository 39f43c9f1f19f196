"""When cycles run: the owner's cron expression, what is refused, and reports that do not wait for it."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from msgspec.structs import replace

from nodes.models.decision import CycleRun
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.schedule import SETTLE_TIME
from tenants.context import enter_tenant
from tenants.engine.turn import JITTER
from tenants.models.schedule import CycleSchedule
from tests.api import lasting
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box, as_json, make_forward, make_snapshot

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db


def put(api: ApiClient, box: Box, body: dict[str, Any]) -> Any:
    return api.put(box.path("schedule"), body, token=api.token_of(box))


def due_at(box: Box) -> dt.datetime:
    at: dt.datetime = CycleSchedule.objects.get(dazbox=box.dazbox).next_run_at
    return at


def put_off(box: Box) -> dt.datetime:
    at = timezone.now() + dt.timedelta(hours=5)
    CycleSchedule.objects.filter(dazbox=box.dazbox).update(next_run_at=at)
    return at


def test_a_cron_expression_sets_the_next_turn_and_is_in_the_journal(api: ApiClient, alice: Box) -> None:
    answer = put(api, alice, {"cron": "0 4 * * *", "time_zone": "Europe/Paris"})
    assert answer.status == 200
    assert (answer.json["cron"], answer.json["time_zone"]) == ("0 4 * * *", "Europe/Paris")
    at = due_at(alice)
    assert at.hour in {2, 3}
    assert at - at.replace(minute=0, second=0, microsecond=0) < JITTER
    assert timezone.now() < at <= timezone.now() + dt.timedelta(hours=25)
    token = api.token_of(alice)
    assert api.get(alice.path("schedule"), token=token).json == answer.json
    newest = api.get(alice.path("journal"), token=token).json["items"][0]
    assert (newest["kind"], newest["facts"]["cron"]) == ("schedule", "0 4 * * *")


def test_without_an_expression_it_is_once_a_period_again(api: ApiClient, alice: Box) -> None:
    put(api, alice, {"cron": "0 4 1 * *"})
    assert put(api, alice, {"cron": None}).json["cron"] is None
    assert due_at(alice) <= timezone.now() + dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 400, "/cron"),
        ({"cron": 5}, 400, "/cron"),
        ({"cron": "0 0 * * *", "zone": "UTC"}, 400, "/zone"),
        ({"cron": "0 0 * * *\x00"}, 400, "/cron"),
        ({"cron": "0 0 * * " + "1," * 60 + "1"}, 400, "/cron"),
        ({"cron": "* * * * *"}, 422, "/cron"),
        ({"cron": "0 0 31 2 *"}, 422, "/cron"),
        ({"cron": "0 0 * * bad"}, 422, "/cron"),
        ({"cron": "0 0 * * *", "time_zone": "Mars/Olympus"}, 422, "/time_zone"),
        ({"cron": None, "time_zone": "../../etc/passwd"}, 422, "/time_zone"),
        ({"cron": None, "time_zone": "localtime"}, 422, "/time_zone"),
        ({"cron": None, "time_zone": "posixrules"}, 422, "/time_zone"),
        ({"cron": None, "time_zone": "right/UTC"}, 422, "/time_zone"),
    ],
)
def test_a_schedule_nobody_can_keep_is_refused_with_a_pointer(
    api: ApiClient, alice: Box, body: dict[str, Any], status: int, pointer: str
) -> None:
    before = due_at(alice)
    refused = put(api, alice, body)
    assert_problem(refused, status)
    assert refused.json["errors"][0]["pointer"] == pointer
    assert due_at(alice) == before


def test_a_report_that_shows_something_makes_the_box_due_and_the_run_says_why(api: ApiClient, alice: Box) -> None:
    token = api.token_of(alice)
    put_off(alice)
    dry = [replace(alice.channels[0], local_balance_sat=1), replace(alice.channels[1], active=False)]
    assert api.post(alice.path("snapshots"), as_json(make_snapshot(2, dry)), token=token).status == 201
    assert due_at(alice) <= timezone.now() + SETTLE_TIME
    entries = api.get(alice.path("journal"), token=token).json["items"]
    assert [item["facts"]["trigger"] for item in entries if item["kind"] == "trigger"] == [
        "peer-gone", "channel-depleted"
    ]  # fmt: skip
    with enter_tenant(alice.tenant):
        run_cycle()
        run_cycle()
        started_by = list(CycleRun.objects.order_by("finished_at").values_list("started_by", flat=True))
    assert started_by == ["schedule", "channel-depleted,peer-gone", "schedule"]


def test_a_report_that_shows_nothing_new_waits_for_its_turn(api: ApiClient, alice: Box) -> None:
    at, token = put_off(alice), api.token_of(alice)
    assert api.post(alice.path("snapshots"), as_json(make_snapshot(2, alice.channels)), token=token).status == 201
    assert due_at(alice) == at


@pytest.mark.parametrize(("count", "is_due"), [(20, True), (19, False)])
def test_a_surge_of_failed_forwards_makes_the_box_due(api: ApiClient, alice: Box, count: int, is_due: bool) -> None:
    at, now = put_off(alice), timezone.now()
    failed = [
        make_forward(number, id=f"failed {number}", status="failed", settled_at=now - dt.timedelta(minutes=5))
        for number in range(count)
    ]
    body = {"events": as_json(failed), "cursor": "1"}
    assert api.post(alice.path("forwards"), body, token=api.token_of(alice)).status == 200
    assert (due_at(alice) < at) is is_due
