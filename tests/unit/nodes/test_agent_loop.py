"""Reporting goes on by itself: failures back off, and a home begins and stops on its own."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nodes.agent.command import main
from nodes.agent.errors import CloudError
from nodes.agent.loop import choose_backoff_s, report_until
from nodes.agent.report import Reporter
from nodes.sources.driver.errors import NodeError
from tests.fakes.box import Box, start_box
from tests.fakes.cloud import refuse
from tests.fakes.json_server import Reply
from tests.fakes.lnd_rest import MACAROON, describe_error


class Rounds:
    """A stop signal that notes how long the loop wants to wait, does not wait, and stops after some rounds."""

    def __init__(self, count: int, between: Callable[[int], None] = lambda _: None) -> None:
        self.waits_s: list[float] = []
        self._count = count
        self._between = between

    def wait(self, timeout: float | None = None) -> bool:
        if timeout:
            self.waits_s.append(timeout)
            self._between(len(self.waits_s))
        return len(self.waits_s) >= self._count


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with start_box(tmp_path) as started:
        assert started.claim() == 0
        yield started


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("nodes.agent"), "propagate", True)
    caplog.set_level(logging.DEBUG)
    return caplog


def test_a_healthy_home_reports_once_an_interval(box: Box) -> None:
    rounds = Rounds(3)
    report_until(Reporter(box.home), stop=rounds, interval_s=60)

    assert [57 <= wait_s <= 63 for wait_s in rounds.waits_s] == [True, True, True]
    sequence = [snapshot["seq"] for snapshot in box.cloud.snapshots]
    assert len(sequence) == 3
    assert sequence == sorted(set(sequence))
    assert len(box.cloud.calls_to("device-token")) == 1


def test_a_failing_home_waits_longer_each_time_and_starts_afresh_after_a_success(box: Box) -> None:
    def heal(round_number: int) -> None:
        box.lnd.failure = None if round_number == 4 else down

    down = Reply(status=500, body=describe_error(2, "wallet locked"))
    box.lnd.failure = down
    rounds = Rounds(6, between=heal)
    report_until(Reporter(box.home), stop=rounds, interval_s=60)

    bounds = [(2.5, 5), (5, 10), (10, 20), (20, 40), (57, 63), (2.5, 5)]
    assert [low <= wait_s <= high for wait_s, (low, high) in zip(rounds.waits_s, bounds, strict=True)] == [True] * 6


def test_an_offline_box_sends_the_newest_snapshot_and_no_older_ones(box: Box) -> None:
    def change(round_number: int) -> None:
        box.lnd.channels[0]["local_balance"] = str(round_number)

    box.cloud.failures["snapshots"] = [Reply(status=503, body=b"")] * 2
    report_until(Reporter(box.home), stop=Rounds(3, between=change), interval_s=60)

    assert [snapshot["channels"][0]["local_balance_sat"] for snapshot in box.cloud.snapshots] == [2]


def test_a_home_that_is_claimed_later_starts_reporting_by_itself(tmp_path: Path) -> None:
    with start_box(tmp_path / "late") as box:

        def claim(round_number: int) -> None:
            if round_number == 1:
                assert box.claim() == 0

        report_until(Reporter(box.home), stop=Rounds(2, between=claim), interval_s=60)
        assert len(box.cloud.snapshots) == 1


def test_a_home_that_cannot_be_written_is_a_failure_like_others(box: Box, log: pytest.LogCaptureFixture) -> None:
    (box.home / "state.json").mkdir()
    report_until(Reporter(box.home), stop=Rounds(2), interval_s=60)

    assert [record.levelname for record in log.records if record.name == "nodes.agent.loop"] == ["WARNING"] * 2
    assert box.cloud.snapshots == []


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
def test_waiting_never_exceeds_five_minutes_by_itself(jitter: float) -> None:
    waits_s = [choose_backoff_s(NodeError("off"), failures, jitter=jitter) for failures in (1, 3, 7, 50, 5000)]

    assert waits_s == sorted(waits_s)
    assert all(2.5 <= wait_s <= 300 for wait_s in waits_s)
    assert waits_s[-1] >= 150


def test_what_cannot_be_helped_by_trying_waits_longest_at_once() -> None:
    assert choose_backoff_s(CloudError("no", permanent=True), 1, jitter=0.0) == 150
    assert choose_backoff_s(CloudError("no"), 1, jitter=0.0) == 2.5


@pytest.mark.parametrize(("asked_s", "least_s", "most_s"), [(900, 900, 991), (1, 2.5, 5)])
def test_the_pause_that_was_asked_for_is_the_least(asked_s: float, least_s: float, most_s: float) -> None:
    error = CloudError("slow down", retry_after_s=asked_s)

    assert least_s <= choose_backoff_s(error, 1, jitter=0.0) <= choose_backoff_s(error, 1, jitter=1.0) <= most_s


def test_secrets_never_reach_the_log(box: Box, log: pytest.LogCaptureFixture) -> None:
    def break_next(round_number: int) -> None:
        box.cloud.access_tokens.clear()
        box.lnd.failure = Reply(status=500, body=describe_error(2, "permission denied")) if round_number == 2 else None

    box.cloud.expires_in = 1
    box.cloud.failures["forwards"] = [refuse(422, "Not valid", "No.")]
    issued = watch_tokens(box)
    report_until(Reporter(box.home), stop=Rounds(4, between=break_next), interval_s=60)

    assert len(issued) >= 4
    logged = "\n".join(record.getMessage() for record in log.records if record.name.startswith("nodes.agent"))
    assert "permission denied" in logged
    key = (box.home / "device.key").read_text().splitlines()[1]
    for secret in [MACAROON.hex(), key, *issued]:
        assert secret not in logged


def watch_tokens(box: Box) -> set[str]:
    """All tokens the cloud will have issued."""
    issued: set[str] = set()

    class Noting(set[str]):
        def add(self, token: str) -> None:
            issued.add(token)
            super().add(token)

    box.cloud.access_tokens, box.cloud.refresh_tokens = Noting(), Noting()
    return issued


def test_report_of_an_unknown_home_makes_no_folder(tmp_path: Path) -> None:
    assert main(["report", str(tmp_path / "typo")]) == 1
    assert not (tmp_path / "typo").exists()
