"""What Core Lightning's bookkeeper tells of payments of the node to itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nodes.engine.rebalance import ReportedRebalance
from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.driver import Driver, RebalancePage
from nodes.sources.node import open_driver
from tests.fakes.cln_rest import RUNE, SCID, FakeCln, describe_channel

NOW_S = 1_760_000_000
HASH = "77" * 32
OUT, BACK = "ab" * 32, "cc" * 32  # channel ids
BACK_SCID = "800001x9x0"


@pytest.fixture
def cln(tmp_path: Path) -> Iterator[FakeCln]:
    with FakeCln(tmp_path) as served:
        served.answers |= {
            "listpeerchannels": lambda _: {
                "channels": [describe_channel(), describe_channel(channel_id=BACK, short_channel_id=BACK_SCID)]
            },
            "bkpr-listincome": lambda _: {"income_events": [describe_fee()]},
            "bkpr-listaccountevents": lambda _: {"events": describe_movement()},
        }
        yield served


@pytest.fixture
def driver(cln: FakeCln) -> Iterator[Driver]:
    config = DriverConfig(implementation="cln", url=cln.url, secret=RUNE, certificate=cln.cert_path.read_text())
    with open_driver(config) as opened:
        yield opened


def describe_fee(payment_id: str = HASH, *, at_s: int = NOW_S - 100, **changes: Any) -> dict[str, Any]:
    event = {"account": OUT, "tag": "rebalance_fee", "credit_msat": 0, "debit_msat": 1_100, "currency": "bc"}
    return event | {"timestamp": at_s, "payment_id": payment_id} | changes


def describe_movement(part_id: int = 0, *, at_s: int = NOW_S - 100, **changes: Any) -> list[dict[str, Any]]:
    both = {"type": "channel", "tag": "invoice", "currency": "bc", "timestamp": at_s, "payment_id": HASH}
    both |= {"is_rebalance": True, "part_id": part_id}
    out = {"account": OUT, "credit_msat": 0, "debit_msat": 3_211_100, "fees_msat": 1_100}
    back = {"account": BACK, "credit_msat": 3_210_000, "debit_msat": 0, "fees_msat": 0}
    return [both | out | changes, both | back]


def read(driver: Driver, cursor: str = "0") -> RebalancePage:
    page = driver.read_rebalances(cursor, now_s=NOW_S)
    assert page is not None
    return page


def test_a_part_is_what_the_cloud_decodes_strictly(driver: Driver) -> None:
    [event] = read(driver).events
    told = msgspec.json.decode(msgspec.json.encode(event), type=ReportedRebalance)

    assert (told.outgoing_scid, told.incoming_scid) == (SCID, BACK_SCID)
    assert (told.amount_msat, told.fee_msat) == (3_210_000, 1_100)
    assert told.settled_at.timestamp() == NOW_S - 100
    assert HASH not in str(event)  # the payment's hash stays on the box


def test_other_expenses_are_no_rebalances(cln: FakeCln, driver: Driver) -> None:
    others = [describe_fee(tag="invoice_fee"), describe_fee(tag="onchain_fee", payment_id=None)]
    cln.answers["bkpr-listincome"] = lambda _: {"income_events": others}

    assert read(driver).events == []
    assert "bkpr-listaccountevents" not in cln.methods


def test_each_part_of_a_payment_is_told(cln: FakeCln, driver: Driver) -> None:
    cln.answers["bkpr-listincome"] = lambda _: {"income_events": [describe_fee(), describe_fee()]}
    cln.answers["bkpr-listaccountevents"] = lambda _: {"events": [*describe_movement(1), *describe_movement(2)]}

    events = read(driver).events

    assert cln.methods.count("bkpr-listaccountevents") == 1
    assert len({event["id"] for event in events}) == 2


def test_a_channel_that_is_closed_is_told_nothing_of(cln: FakeCln, driver: Driver) -> None:
    cln.answers["bkpr-listaccountevents"] = lambda _: {"events": describe_movement(account="99" * 32)}
    assert read(driver).events == []


def test_the_next_reading_begins_a_day_earlier(cln: FakeCln, driver: Driver) -> None:
    asked: list[dict[str, Any]] = []

    def list_income(params: dict[str, Any]) -> dict[str, Any]:
        asked.append(params)
        return {"income_events": []}

    cln.answers["bkpr-listincome"] = list_income
    page = read(driver)
    assert page.kept_cursor == str(NOW_S - 86_400)
    read(driver, page.kept_cursor)

    assert [one["start_time"] for one in asked] == [NOW_S - 100 * 86_400 - 1, NOW_S - 86_400 - 1]


def test_many_are_read_in_pages(cln: FakeCln, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodes.sources.cln.rebalance.PAGE", 2)
    fees = [describe_fee(f"{number:064x}", at_s=NOW_S - 90_000 + number) for number in range(3)]
    cln.answers["bkpr-listincome"] = lambda params: {
        "income_events": [fee for fee in fees if fee["timestamp"] > params["start_time"]]
    }

    first = read(driver)
    second = read(driver, first.cursor)

    assert (len(first.events), first.more) == (2, True)
    assert (len(second.events), second.more) == (2, False)  # one of them again, under the same id


@pytest.mark.parametrize("method", ["bkpr-listincome", "bkpr-listaccountevents"])
def test_without_a_bookkeeper_or_its_permission_nothing_is_told(cln: FakeCln, driver: Driver, method: str) -> None:
    del cln.answers[method]
    assert driver.read_rebalances("0", now_s=NOW_S) is None


@pytest.mark.parametrize("spoilt", [{"timestamp": 2**40}, {"debit_msat": "5"}, {"account": None}])
def test_what_is_not_as_the_schema_says_is_not_told(cln: FakeCln, driver: Driver, spoilt: dict[str, Any]) -> None:
    cln.answers["bkpr-listaccountevents"] = lambda _: {"events": describe_movement(**spoilt)}
    assert driver.read_rebalances("0", now_s=NOW_S) is None
