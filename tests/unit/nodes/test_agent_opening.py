"""What it cost to open a channel: asked of LND once, remembered by the box, and null where LND may not tell."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nodes.agent.opening import ASK_AGAIN_S, FEES_FILE
from nodes.agent.report import Reporter
from tests.clock import Clock
from tests.fakes.box import Box, start_box
from tests.fakes.lnd_rest import OWN, describe_channel, describe_transaction, make_chan_point

NOW_S = 1_727_000_000


class Reporting:
    """A claimed box whose channels 0 and 2 it opened itself."""

    def __init__(self, box: Box) -> None:
        self.box, self.clock = box, Clock(NOW_S)
        self.reporter = Reporter(box.home, clock=self.clock)
        box.cloud.clock = self.clock

    def report(self) -> tuple[list[int | None], int]:
        """What the snapshot said of the openings, and how many calls it took, but for those about payments."""
        before = self.count_calls()
        self.reporter.report()
        self.clock.now_s += 60
        sent = self.box.cloud.calls_to(f"/api/v1/node/{OWN}/snapshots")[-1]
        channels: list[dict[str, Any]] = json.loads(gzip.decompress(sent.body))["channels"]
        return [row["opening_fee_sat"] for row in channels], self.count_calls() - before

    def count_calls(self) -> int:
        return sum(not call.path.startswith("/v1/payments") for call in self.box.lnd.calls)

    def count_listings(self) -> int:
        return sum(call.path.startswith("/v1/transactions") for call in self.box.lnd.calls)


@pytest.fixture
def reporting(tmp_path: Path) -> Iterator[Reporting]:
    with start_box(tmp_path) as box:
        assert box.claim() == 0
        made = Reporting(box)
        yield made
        made.reporter.close()


def test_a_fee_is_asked_for_once_and_reported_ever_after(reporting: Reporting) -> None:
    assert reporting.report() == ([1_530, None, 1_532], 6)
    assert reporting.report() == ([1_530, None, 1_532], 5)

    anew = Reporting(reporting.box)
    anew.clock.now_s = reporting.clock.now_s
    assert anew.report() == ([1_530, None, 1_532], 5)
    anew.reporter.close()


def test_a_new_channel_of_ours_is_asked_about_from_its_own_block_on(reporting: Reporting) -> None:
    reporting.report()
    lnd = reporting.box.lnd
    lnd.channels += [describe_channel(number) for number in (3, 4)]
    assert lnd.transactions is not None
    lnd.transactions.append(describe_transaction(4))

    assert reporting.report() == ([1_530, None, 1_532, None, 1_534], 6)
    asked = [call.path for call in lnd.calls if call.path.startswith("/v1/transactions")]
    assert [path.partition("?")[2].partition("&")[0] for path in asked] == [
        "start_height=800000",
        "start_height=800004",
    ]
    assert reporting.report()[1] == 5


def test_a_transaction_that_is_not_in_our_wallet_cost_us_nothing(reporting: Reporting) -> None:
    """As of a channel paid for by another wallet. Known, and not asked for again."""
    reporting.box.lnd.transactions = [describe_transaction(2)]

    assert reporting.report() == ([0, None, 1_532], 6)
    assert reporting.report()[1] == 5


def test_what_lnd_may_not_tell_is_null_and_asked_for_again_a_day_later(reporting: Reporting) -> None:
    lnd = reporting.box.lnd
    lnd.transactions, wallet = None, lnd.transactions

    assert reporting.report()[0] == [None, None, None]
    assert reporting.report() == ([None, None, None], 5)
    lnd.transactions = wallet
    assert reporting.report() == ([None, None, None], 5)
    reporting.clock.now_s += ASK_AGAIN_S
    assert reporting.report() == ([1_530, None, 1_532], 6)


def test_a_large_wallet_is_read_page_by_page_until_all_is_found(
    reporting: Reporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodes.sources.lnd.opening.PAGE", 2)
    strange = [describe_transaction(0, tx_hash=f"{number:064x}") for number in range(90, 93)]
    lnd = reporting.box.lnd
    lnd.transactions = [*strange, describe_transaction(0), describe_transaction(2), *strange]

    assert reporting.report()[0] == [1_530, None, 1_532]
    assert reporting.count_listings() == 3


def test_a_wallet_without_end_leaves_unknown_what_was_not_found(
    reporting: Reporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodes.sources.lnd.opening.PAGE", 1)
    monkeypatch.setattr("nodes.sources.lnd.opening.MAX_PAGES", 1)

    assert reporting.report()[0] == [1_530, None, None]
    assert reporting.report() == ([1_530, None, None], 5)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"fees": {}}', '{"fees": [], "asked_at": 1}', '{"fees": {"a": "b"}, "asked_at": 1}']
)
def test_a_damaged_memory_is_made_anew(reporting: Reporting, content: str) -> None:
    reporting.report()
    path = reporting.box.home / FEES_FILE
    path.write_text(content)

    assert reporting.report() == ([1_530, None, 1_532], 6)
    assert json.loads(path.read_text())["fees"] == {make_chan_point(0): 1_530, make_chan_point(2): 1_532}
    assert path.stat().st_mode & 0o777 == 0o600
