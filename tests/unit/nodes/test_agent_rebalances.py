"""What a node paid to itself reaches the cloud, once, without a word on what it paid to others."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nodes.agent.report import Reporter
from nodes.engine.rebalance import ReportedRebalance
from nodes.sources.driver.rebalance import LOOK_BACK_S, UNDER_WAY_S
from tests.clock import Clock
from tests.fakes.box import Box, start_box
from tests.fakes.cloud import refuse
from tests.fakes.lnd_rest import OWN, PEERS, describe_payment

NOW_S = 1_790_000_000
LONG_AGO_S = NOW_S - 10 * int(UNDER_WAY_S)
FORBIDDEN = ("payment_hash", "preimage", "lnbc", "ee" * 32, PEERS[0])


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW_S)


@pytest.fixture
def box(tmp_path: Path, clock: Clock) -> Iterator[Box]:
    with start_box(tmp_path) as started:
        started.cloud.clock = clock
        assert started.claim() == 0
        yield started


@pytest.fixture
def reporter(box: Box, clock: Clock) -> Iterator[Reporter]:
    made = Reporter(box.home, clock=clock)
    yield made
    made.close()


def sent(box: Box) -> list[dict[str, Any]]:
    return [json.loads(call.body) for call in box.cloud.calls_to("/rebalances")]


def test_parts_that_came_back_to_the_node_are_told_with_channels_and_fee(box: Box, reporter: Reporter) -> None:
    box.lnd.payments = [describe_payment(7, at_s=LONG_AGO_S)]

    reporter.report()

    [told] = box.cloud.rebalances.values()
    rebalance = msgspec.convert(told, ReportedRebalance)
    assert rebalance.id == "7:15"  # the attempt that worked
    assert (rebalance.outgoing_scid, rebalance.incoming_scid) == ("800000x7x1", "800001x8x1")
    assert (rebalance.amount_msat, rebalance.fee_msat) == (100_000_000, 25_000)
    assert rebalance.settled_at.timestamp() == LONG_AGO_S
    assert box.cloud.rebalances_until is not None


def test_of_what_was_paid_to_others_nothing_leaves_the_box(box: Box, reporter: Reporter) -> None:
    box.lnd.payments = [describe_payment(1, at_s=LONG_AGO_S, to=PEERS[5]), describe_payment(2, at_s=LONG_AGO_S)]

    reporter.report()

    assert list(box.cloud.rebalances) == ["2:5"]
    bodies = "".join(call.body.decode() for call in box.cloud.calls_to("/rebalances"))
    assert not [word for word in FORBIDDEN if word in bodies]
    assert OWN not in bodies


def test_parts_that_failed_cost_nothing(box: Box, reporter: Reporter) -> None:
    box.lnd.payments = [describe_payment(1, at_s=LONG_AGO_S, status="FAILED")]

    reporter.report()

    assert box.cloud.rebalances == {}
    assert box.cloud.rebalances_until is not None  # all is told: there is none


def test_all_of_them_arrive_in_pages_and_only_then_it_is_all(
    box: Box, reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodes.sources.lnd.payment.PAGE", 2)
    box.lnd.payments = [describe_payment(number, at_s=LONG_AGO_S) for number in range(1, 6)]

    reporter.report()

    assert len(box.cloud.rebalances) == 5
    assert box.cloud.rebalance_cursor == "5"
    assert [body.get("until") is not None for body in sent(box)] == [False, False, False, True]  # the first asks


def test_a_payment_under_way_at_one_reading_is_told_by_the_next(box: Box, reporter: Reporter, clock: Clock) -> None:
    """LND numbers payments as they begin: 8 is over before 7."""
    lately_s = NOW_S - 600
    box.lnd.payments = [describe_payment(6, at_s=LONG_AGO_S), describe_payment(8, at_s=lately_s)]
    reporter.report()
    assert box.cloud.rebalance_cursor == "6"  # what began today is read again

    box.lnd.payments.insert(1, describe_payment(7, at_s=lately_s))
    clock.now_s += 3_601
    reporter.report()

    assert sorted(box.cloud.rebalances) == ["6:13", "7:15", "8:17"]


def test_the_node_is_asked_once_an_hour(box: Box, reporter: Reporter, clock: Clock) -> None:
    box.lnd.payments = []
    for _ in range(3):
        reporter.report()
        clock.now_s += 60
    assert len([call for call in box.lnd.calls if call.path.startswith("/v1/payments")]) == 1

    clock.now_s += 3_600
    reporter.report()
    assert len([call for call in box.lnd.calls if call.path.startswith("/v1/payments")]) == 2


def test_a_years_payments_are_not_asked_for(box: Box, reporter: Reporter) -> None:
    box.lnd.payments = [describe_payment(1, at_s=NOW_S - int(LOOK_BACK_S) - 60), describe_payment(2, at_s=LONG_AGO_S)]

    reporter.report()

    assert list(box.cloud.rebalances) == ["2:5"]


def test_a_macaroon_that_may_not_tell_costs_no_report(box: Box, reporter: Reporter) -> None:
    box.lnd.payments = None

    assert reporter.report().channel_count == 3
    assert box.cloud.rebalances_until is None  # and the cloud knows that it does not know


def test_an_older_cloud_costs_no_report(box: Box, reporter: Reporter, clock: Clock) -> None:
    box.lnd.payments = [describe_payment(1, at_s=LONG_AGO_S)]
    box.cloud.failures = {"rebalances": [refuse(404, "Not found", "There is nothing at this address.")]}

    reporter.report()
    clock.now_s += 60
    reporter.report()

    assert len(box.cloud.snapshots) == 2
    assert len(sent(box)) == 1  # asked again in an hour


def test_a_history_too_long_for_one_report_is_gone_on_with_by_the_next(
    box: Box, reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodes.sources.lnd.payment.PAGE", 1)
    monkeypatch.setattr("nodes.agent.rebalance.MAX_PAGES", 2)
    box.lnd.payments = [describe_payment(number, at_s=LONG_AGO_S) for number in range(1, 4)]

    reporter.report()
    assert (len(box.cloud.rebalances), box.cloud.rebalances_until) == (2, None)
    reporter.report()

    assert len(box.cloud.rebalances) == 3
    assert box.cloud.rebalances_until is not None


def test_a_channel_is_named_as_snapshots_name_it(box: Box, reporter: Reporter) -> None:
    box.lnd.payments = [describe_payment(1, at_s=LONG_AGO_S)]

    reporter.report()

    [told] = box.cloud.rebalances.values()
    named = {channel["short_channel_id"] for channel in box.cloud.snapshots[0]["channels"]}
    assert {told["outgoing_scid"], told["incoming_scid"]} <= named
