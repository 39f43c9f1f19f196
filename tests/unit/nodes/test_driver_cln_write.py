"""A policy is written to Core Lightning whole, once, never over somebody else's change, and never half."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.driver import Driver, Outcome, PolicyWrite
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.policy import Policy
from nodes.sources.driver.retry import Patience
from nodes.sources.node import open_driver
from tests.fakes.cln_rest import OWN, PEER, RUNE, SCID, FakeCln, describe_channel, refuse
from tests.fakes.json_server import Reply

OLD = Policy(base_fee_msat=1000, fee_rate_ppm=250, time_lock_delta=34, min_htlc_msat=1, max_htlc_msat=4_950_000_000)
NEW = replace(OLD, fee_rate_ppm=300)
SHOWN = {
    "feebase": "fee_base_msat",
    "feeppm": "fee_proportional_millionths",
    "htlcmin": "minimum_htlc_out_msat",
    "htlcmax": "maximum_htlc_out_msat",
}


class WritableCln(FakeCln):
    """Keeps what setchannel sets. `least_msat`: what the peer takes at least; `lost`: how many answers get lost."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.channel = describe_channel()
        self.least_msat = 1
        self.lost = 0
        self.writes: list[dict[str, Any]] = []
        self.knows_filter = True
        self.answers |= {"setchannel": self._set, "listpeerchannels": self._list}

    def _list(self, params: dict[str, Any]) -> object:
        if params and not self.knows_filter:
            return refuse(500, -32602, "unknown parameter: short_channel_id")
        return {"channels": [self.channel, describe_channel(short_channel_id="1x1x1")]}

    def _set(self, params: dict[str, Any]) -> object:
        self.writes.append(params)
        for asked, shown in SHOWN.items():
            self.channel[shown] = params.get(asked, self.channel[shown])
        warnings = {}
        if self.channel["minimum_htlc_out_msat"] < self.least_msat:
            self.channel["minimum_htlc_out_msat"] = self.least_msat
            warnings["warning_htlcmin_too_low"] = "Set minimum_htlc_out_msat to minimum allowed by peer"
        if self.lost:
            self.lost -= 1
            return Reply(status=504, body=b"")
        return {"channels": [{name: self.channel[name] for name in SHOWN.values()} | warnings]}


@pytest.fixture
def cln(tmp_path: Path) -> Iterator[WritableCln]:
    with WritableCln(tmp_path) as server:
        yield server


def connect(cln: FakeCln, *, pubkey: str = OWN) -> Driver:
    return open_driver(
        DriverConfig(
            implementation="cln",
            url=cln.url,
            secret=RUNE,
            certificate=cln.cert_path.read_text(),
            pubkey=pubkey,
            patience=Patience(pause=lambda _: None),
        )
    )


def apply(cln: WritableCln, policy: Policy = NEW, **changes: Any) -> tuple[Outcome, Policy | None, str]:
    write = PolicyWrite(
        short_channel_id=SCID, channel_point=None, policy=policy, expected_policy=changes.get("expected", OLD)
    )
    with connect(cln) as driver:
        result = driver.apply(write)
    return result.outcome, result.policy, result.reason


def test_core_lightning_says_what_it_has_not() -> None:
    with open_driver(DriverConfig(implementation="cln", url="https://127.0.0.1:1", secret=RUNE)) as driver:
        capabilities = driver.capabilities
    assert not (capabilities.inbound)
    assert not (capabilities.time_lock_delta)
    assert not (capabilities.disabled)
    assert capabilities.partial_write


def test_a_policy_is_written_whole_and_read_back_in_four_calls(cln: WritableCln) -> None:
    assert apply(cln) == (Outcome.WRITTEN, NEW, "")
    assert cln.writes == [{"id": SCID, "feebase": 1000, "feeppm": 300, "htlcmin": 1, "htlcmax": 4_950_000_000}]
    assert cln.methods == ["getinfo", "listpeerchannels", "setchannel", "listpeerchannels"]


def test_a_policy_that_is_there_already_is_not_written_again(cln: WritableCln) -> None:
    assert apply(cln, OLD) == (Outcome.WRITTEN, OLD, "")
    assert cln.writes == []


def test_a_policy_that_somebody_changed_is_left_alone(cln: WritableCln) -> None:
    cln.channel["fee_base_msat"] = 5
    outcome, shown, _ = apply(cln)
    assert (outcome, shown) == (Outcome.CHANGED, replace(OLD, base_fee_msat=5))
    assert cln.writes == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"inbound_fee_rate_ppm": -10}, "no inbound fees"),
        ({"inbound_base_fee_msat": -1}, "no inbound fees"),
        ({"time_lock_delta": 40}, "one time lock for all channels"),
        ({"disabled": True}, "cannot switch a single channel off"),
    ],
)
def test_what_core_lightning_has_not_is_refused_and_nothing_written(
    cln: WritableCln, changes: dict[str, Any], words: str
) -> None:
    outcome, shown, reason = apply(cln, replace(NEW, **changes))
    assert (outcome, shown) == (Outcome.REFUSED, OLD)
    assert words in reason
    assert cln.writes == []


def test_a_bound_that_the_peer_does_not_take_undoes_the_whole_write(cln: WritableCln) -> None:
    cln.channel["minimum_htlc_out_msat"] = cln.least_msat = 1000
    present = replace(OLD, min_htlc_msat=1000)
    outcome, shown, reason = apply(cln, replace(NEW, min_htlc_msat=1), expected=present)
    assert (outcome, shown) == (Outcome.REFUSED, present)
    assert "set minimum_htlc_out_msat to 1000 in place of 1: Set minimum_htlc_out_msat to minimum" in reason
    assert [write["feeppm"] for write in cln.writes] == [300, 250]


def test_the_largest_payment_is_fitted_to_the_channel(cln: WritableCln) -> None:
    cln.channel["maximum_htlc_out_msat"] = 1_000_000
    present = replace(OLD, max_htlc_msat=1_000_000)
    outcome, shown, _ = apply(cln, replace(NEW, max_htlc_msat=5_000_000_000), expected=present)
    assert (outcome, shown) == (Outcome.WRITTEN, NEW)  # 5,000,000 sat but for a reserve of 1 %


def test_a_core_lightning_that_knows_no_filter_lists_all(cln: WritableCln) -> None:
    cln.knows_filter = False
    assert apply(cln) == (Outcome.WRITTEN, NEW, "")


@pytest.mark.parametrize("state", ["CHANNELD_AWAITING_LOCKIN", "CHANNELD_SHUTTING_DOWN"])
def test_a_channel_that_is_not_live_is_refused(cln: WritableCln, state: str) -> None:
    cln.channel["state"] = state
    outcome, shown, reason = apply(cln)
    assert (outcome, shown) == (Outcome.REFUSED, None)
    assert "no live channel" in reason


def test_a_no_of_the_node_is_an_answer_and_keeps_its_words(cln: WritableCln) -> None:
    cln.answers["setchannel"] = lambda _: refuse(500, -1, "Channel in state CHANNELD_SHUTTING_DOWN")
    outcome, shown, reason = apply(cln)
    assert (outcome, shown) == (Outcome.REFUSED, OLD)
    assert "Channel in state CHANNELD_SHUTTING_DOWN" in reason


def test_a_lost_answer_is_settled_by_what_the_node_shows(cln: WritableCln) -> None:
    cln.lost = 1
    assert apply(cln) == (Outcome.WRITTEN, NEW, "")
    assert len(cln.writes) == 1


def test_a_write_that_did_not_happen_may_be_tried_again(cln: WritableCln) -> None:
    working = cln.answers["setchannel"]
    cln.answers["setchannel"] = lambda _: Reply(status=502, body=b"")
    with pytest.raises(NodeError) as caught:
        apply(cln)
    assert (caught.value.fault, caught.value.permanent) == (Fault.UNAVAILABLE, False)
    assert cln.methods.count("setchannel") == 1
    cln.answers["setchannel"] = working
    assert apply(cln) == (Outcome.WRITTEN, NEW, "")


def test_a_rune_that_may_not_write_is_told_and_nothing_is_settled(cln: WritableCln) -> None:
    cln.answers["setchannel"] = lambda _: refuse(401, 1502, "Not permitted: method is equal to setchannel")
    with pytest.raises(NodeError) as caught:
        apply(cln)
    assert caught.value.fault is Fault.FORBIDDEN


def test_a_stale_read_is_not_believed(cln: WritableCln) -> None:
    cln.answers["setchannel"] = lambda _: {"channels": [{}]}
    outcome, shown, _ = apply(cln)
    assert (outcome, shown) == (Outcome.UNCONFIRMED, OLD)


def test_nothing_is_written_to_another_node(cln: WritableCln) -> None:
    write = PolicyWrite(short_channel_id=SCID, channel_point=None, policy=NEW, expected_policy=OLD)
    with connect(cln, pubkey=PEER) as driver, pytest.raises(NodeError, match="is now"):
        driver.apply(write)
    assert cln.methods == ["getinfo"]
