"""A box reports what its node paid to itself; advice counts it, and says where nobody told."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from nodes.models.rebalance import RebalanceDay
from nodes.selectors.node import read_own_node
from nodes.selectors.rebalance import load_rebalances
from recommendations.pipeline.survey import survey_node
from tenants.context import enter_tenant
from tests.conftest import ApiClient, fill_box
from tests.factories import TAKEN_AT, Box, as_json, make_rebalance

UNTIL = "2026-11-01T12:00:00Z"


@pytest.fixture
def told(api: ApiClient, alice: Box) -> Any:
    token = api.token_of(alice)

    def send(*numbers: int, cursor: str | None = "9", until: str | None = UNTIL, **changes: Any) -> Any:
        events = [as_json(make_rebalance(number)) | changes for number in numbers]
        body = {"events": events, "cursor": cursor, "until": until}
        return api.post(alice.path("rebalances"), body, token=token)

    return send


def test_they_are_stored_once_by_day(told: Any, alice: Box) -> None:
    assert told(1, 2, 30).json == {"stored": 3, "cursor": "9", "set_aside": 0}
    assert told(2, 3).json == {"stored": 1, "cursor": "9", "set_aside": 0}

    with enter_tenant(alice.tenant):
        days = {row.day.isoformat(): [one.id for one in row.rebalances] for row in RebalanceDay.objects.order_by("day")}
    assert sum(map(len, days.values())) == 4
    assert len(days) == 2


def test_those_older_than_lightning_are_set_aside_and_counted(told: Any, alice: Box) -> None:
    assert told(1, settled_at="2009-02-01T00:00:00Z").json == {"stored": 0, "cursor": "9", "set_aside": 1}


def test_without_events_and_cursor_it_only_asks(told: Any, alice: Box) -> None:
    told(1, cursor="41")

    assert told(cursor=None, until=None).json == {"stored": 0, "cursor": "41", "set_aside": 0}


def test_all_is_known_until_the_latest_moment_that_was_told(told: Any, alice: Box) -> None:
    told(1, until=None)
    with enter_tenant(alice.tenant):
        assert read_own_node().rebalances_until is None
    told(until=UNTIL)
    told(until="2026-10-01T00:00:00Z")
    with enter_tenant(alice.tenant):
        assert read_own_node().rebalances_until == dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)


def test_what_is_known_in_part_is_not_counted_and_said_to_be_so(told: Any, api: ApiClient, alice: Box) -> None:
    """As where a node pays to itself more often in a day than is read."""

    def is_said() -> bool:
        answer = api.get(alice.path("recommendations"), token=api.token_of(alice))
        return "rebalances" in answer.json["degraded"]

    assert not is_said()  # nobody told of any
    told(1, cursor="1", until=None)
    assert is_said()
    told(2, until=(TAKEN_AT - dt.timedelta(days=2)).isoformat())
    assert is_said()
    told(3, until=TAKEN_AT.isoformat())
    assert not is_said()


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"fee_msat": -1}, "/events/0/fee_msat"),
        ({"fee_msat": True}, "/events/0/fee_msat"),
        ({"amount_msat": "5"}, "/events/0/amount_msat"),
        ({"incoming_scid": "x"}, "/events/0/incoming_scid"),
        ({"payment_hash": "00"}, "/events/0/payment_hash"),
        ({"settled_at": "2026-11-01T12:00:00"}, "/events/0/settled_at"),
    ],
)
def test_what_is_none_is_refused_by_its_field(told: Any, changes: dict[str, Any], pointer: str) -> None:
    refused = told(1, **changes)

    assert refused.status == 400
    assert refused.json["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("field", ["settled_at", "until"])
def test_a_moment_in_the_future_is_refused_and_nothing_stored(told: Any, alice: Box, field: str) -> None:
    later = (timezone.now() + dt.timedelta(hours=1)).isoformat()
    refused = told(1, settled_at=later) if field == "settled_at" else told(1, until=later)

    assert (refused.status, refused.json["errors"][0]["code"]) == (422, "in-the-future")
    with enter_tenant(alice.tenant):
        assert not RebalanceDay.objects.exists()


def test_advice_knows_what_refilling_a_channel_cost_once_it_is_told(told: Any, alice: Box) -> None:
    fill_box(alice, forwards=40)
    with enter_tenant(alice.tenant):
        survey = survey_node(now=TAKEN_AT, done={})
    assert survey is not None
    assert {channel.refills for channel in survey.channels} == {None}

    told(1, 2, until=TAKEN_AT.isoformat())

    with enter_tenant(alice.tenant):
        survey = survey_node(now=TAKEN_AT, done={})
    assert survey is not None
    refills = {channel.scid: channel.refills for channel in survey.channels}
    assert survey.days
    assert refills["800000x1x0"] is not None
    assert (refills["800000x1x0"].count, refills["800000x1x0"].fee_msat) == (2, 40_000)
    assert refills["800000x2x0"] is not None
    assert refills["800000x2x0"].fee_msat == 0  # told, and none


def test_what_is_no_longer_told_is_not_known(told: Any, alice: Box) -> None:
    told(1, until=(TAKEN_AT - dt.timedelta(days=2)).isoformat())

    with enter_tenant(alice.tenant):
        assert load_rebalances(read_own_node(), since=TAKEN_AT - dt.timedelta(days=9), until=TAKEN_AT) is None
