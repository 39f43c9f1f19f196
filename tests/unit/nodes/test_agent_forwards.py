"""Forwards reach the cloud all, once, and in pages."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from nodes.agent.errors import CloudError
from nodes.agent.report import Reporter
from nodes.engine.report import Forward
from nodes.sources.driver.errors import NodeError, OutsideError
from nodes.sources.lnd.forward import map_forward
from tests.fakes.box import Box, start_box
from tests.fakes.json_server import Reply
from tests.fakes.lnd_rest import describe_forward, make_chan_id


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with start_box(tmp_path) as started:
        assert started.claim() == 0
        yield started


@pytest.fixture
def reporter(box: Box) -> Iterator[Reporter]:
    made = Reporter(box.home)
    yield made
    made.close()


def page_sizes(box: Box) -> list[int]:
    return [len(json.loads(call.body)["events"]) for call in box.cloud.calls_to("/forwards")]


def test_a_forward_is_what_the_cloud_decodes_strictly() -> None:
    sent = map_forward(describe_forward(0, incoming_htlc_id="18446744073709551615"))

    forward = msgspec.json.decode(msgspec.json.encode(sent), type=Forward)
    assert forward.id == f"1726500000123456789:{make_chan_id(0)}:18446744073709551615"
    assert (forward.incoming_scid, forward.outgoing_scid) == ("800000x7x1", "800001x8x1")
    assert (forward.in_msat, forward.out_msat, forward.fee_msat) == (1_000_250, 1_000_000, 250)
    assert forward.settled_at.isoformat() == "2024-09-16T15:20:00.123456+00:00"
    assert forward.status == "settled"


@pytest.mark.parametrize("absent", [{}, {"incoming_htlc_id": None}])
def test_a_forward_of_an_old_lnd_is_known_by_its_outgoing_side(absent: dict[str, None]) -> None:
    event = describe_forward(3)
    del event["incoming_htlc_id"]

    assert map_forward(event | absent)["id"] == f"1726500003123456789:{make_chan_id(0)}:{make_chan_id(1)}:1000003"


def test_all_forwards_arrive_in_pages(box: Box, reporter: Reporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodes.sources.lnd.forward.PAGE_EVENTS", 1_000)
    box.lnd.forwards = [describe_forward(number) for number in range(2_300)]

    assert reporter.report().forward_count == 2_300
    assert page_sizes(box) == [0, 1_000, 1_000, 300]  # the first asks where to go on from
    assert len(box.cloud.forwards) == 2_300
    assert box.cloud.cursor == "2300"


def test_the_next_report_goes_on_where_the_last_one_ended(box: Box, reporter: Reporter) -> None:
    box.lnd.forwards = [describe_forward(number) for number in range(5)]
    reporter.report()
    box.lnd.forwards += [describe_forward(number) for number in range(5, 7)]

    assert reporter.report().forward_count == 2
    assert reporter.report().forward_count == 0
    assert page_sizes(box) == [0, 5, 2]
    assert [json.loads(call.body)["index_offset"] for call in box.lnd.calls if call.path == "/v1/switch"] == [0, 5, 7]


def test_a_box_that_forgot_everything_goes_on_from_the_clouds_cursor(box: Box) -> None:
    box.lnd.forwards = [describe_forward(number) for number in range(8)]
    box.cloud.cursor = "6"
    fresh = Reporter(box.home)

    assert fresh.report().forward_count == 2
    fresh.close()
    assert json.loads(box.cloud.calls_to("/forwards")[0].body) == {"events": [], "cursor": None}


def test_a_page_whose_answer_was_lost_is_asked_for_again_and_stored_once(box: Box, reporter: Reporter) -> None:
    box.lnd.forwards = [describe_forward(number) for number in range(4)]
    asked = Reply(body={"cursor": None, "stored": 0})
    box.cloud.failures["forwards"] = [asked, Reply(status=502, body=b"bad gateway")]

    with pytest.raises(CloudError, match="502"):
        reporter.report()
    assert reporter.report().forward_count == 4
    assert len(box.cloud.forwards) == 4


def test_a_cloud_that_asks_for_the_same_page_for_ever_is_not_obeyed(
    box: Box, reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodes.sources.lnd.forward.PAGE_EVENTS", 1_000)
    box.lnd.forwards = [describe_forward(number) for number in range(1_500)]
    box.cloud.failures["forwards"] = [Reply(body={"cursor": "0", "stored": 0})] * 9

    with pytest.raises(CloudError, match="asks for the same again"):
        reporter.report()
    assert page_sizes(box) == [0, 1_000]


@pytest.mark.parametrize("cursor", ["-1", "abc", "٣", "99999999999", 7])
def test_a_cursor_that_is_no_index_of_lnd_is_refused(box: Box, reporter: Reporter, cursor: object) -> None:
    box.cloud.failures["forwards"] = [Reply(body={"cursor": cursor, "stored": 0})]

    with pytest.raises(OutsideError, match="cursor"):
        reporter.report()
    assert box.lnd.calls_to("/v1/switch") == []


def test_a_history_longer_than_a_report_takes_several(
    box: Box, reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodes.agent.report.MAX_PAGES", 2)
    monkeypatch.setattr("nodes.sources.lnd.forward.PAGE_EVENTS", 1_000)
    box.lnd.forwards = [describe_forward(number) for number in range(2_500)]

    assert [reporter.report().forward_count for _ in range(2)] == [2_000, 500]


def test_forwards_without_a_list_are_an_error_not_an_empty_history(box: Box, reporter: Reporter) -> None:
    box.lnd.forwards = [{"timestamp_ns": 5}]

    with pytest.raises(NodeError, match="timestamp_ns"):
        reporter.report()
    assert page_sizes(box) == [0]
