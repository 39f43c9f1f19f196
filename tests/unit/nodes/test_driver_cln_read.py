"""What Core Lightning says of itself, in the words all drivers share: nothing added, nothing guessed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mcp_saas.kit.node_message import recover_signer
from nodes.engine.report import ChannelState, Forward, NodeState
from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.driver import Driver
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.retry import Patience
from nodes.sources.node import open_driver
from tests.fakes.cln_rest import (
    OWN,
    PEER,
    RUNE,
    SCID,
    FakeCln,
    describe_channel,
    describe_forward,
    describe_info,
    describe_update,
    refuse,
)

NO_PAUSE = Patience(pause=lambda _: None)


@pytest.fixture
def cln(tmp_path: Path) -> Iterator[FakeCln]:
    with FakeCln(tmp_path) as server:
        yield server


def connect(cln: FakeCln, *, pubkey: str | None = OWN) -> Driver:
    return open_driver(
        DriverConfig(
            implementation="cln",
            url=cln.url,
            secret=RUNE,
            certificate=cln.cert_path.read_text(),
            pubkey=pubkey,
            patience=NO_PAUSE,
        )
    )


def read_channel(cln: FakeCln, **changes: Any) -> dict[str, Any]:
    cln.answers["listpeerchannels"] = lambda _: {"channels": [describe_channel(**changes)]}
    with connect(cln) as driver:
        [channel] = driver.read_node()["channels"]
    msgspec.convert(channel, ChannelState)  # the cloud takes it
    return channel


def read_events(cln: FakeCln, *forwards: dict[str, Any], cursor: str = "0") -> list[dict[str, Any]]:
    cln.answers["listforwards"] = lambda params: {
        "forwards": [
            forward
            for forward in forwards
            if (forward["status"] == "local_failed") == (params.get("status") == "local_failed")
        ]
    }
    with connect(cln) as driver:
        events = driver.read_forwards(cursor).events
    assert msgspec.convert(events, list[Forward])
    return events


def test_a_node_is_read_in_three_calls(cln: FakeCln) -> None:
    with connect(cln) as driver:
        reading = driver.read_node()

    assert cln.methods == ["getinfo", "listpeerchannels", "feerates"]
    assert reading["node"] == {
        "alias": "carol",
        "implementation": "cln",
        "version": "v25.12",
        "block_height": 862_000,
        "synced_to_chain": True,
        "onchain_fees": {"6": 8.25},
    }
    assert msgspec.convert(reading["node"], NodeState, strict=False).implementation == "cln"


@pytest.mark.parametrize(
    "answer", [refuse(401, 1502, "Not permitted"), {"perkb": None}, {"perkb": {}}, {"warning_missing_feerates": "none"}]
)
def test_a_node_without_estimates_loses_nothing_else(cln: FakeCln, answer: object) -> None:
    cln.answers["feerates"] = lambda _: answer
    with connect(cln) as driver:
        reading = driver.read_node()
    assert reading["node"]["onchain_fees"] == {}
    assert len(reading["channels"]) == 1


@pytest.mark.parametrize("warning", ["warning_bitcoind_sync", "warning_lightningd_sync"])
def test_a_node_that_warns_is_not_in_step_with_the_chain(cln: FakeCln, warning: str) -> None:
    cln.answers["getinfo"] = lambda _: describe_info(**{warning: "Still loading latest blocks from bitcoind."})
    with connect(cln) as driver:
        assert driver.read_node()["node"]["synced_to_chain"] is False


def test_a_channel_is_mapped_whole(cln: FakeCln) -> None:
    policy = {
        "base_fee_msat": 1000, "fee_rate_ppm": 250, "inbound_base_fee_msat": 0, "inbound_fee_rate_ppm": 0,
        "time_lock_delta": 34, "min_htlc_msat": 1, "max_htlc_msat": 4_950_000_000, "disabled": False,
        "last_update": None,
    }  # fmt: skip
    assert read_channel(cln) == {
        "short_channel_id": SCID,
        "channel_point": f"{'cd' * 32}:1",
        "peer_pubkey": PEER,
        "peer_alias": None,
        "capacity_sat": 5_000_000,
        "local_balance_sat": 2_900_000,
        "remote_balance_sat": 1_992_999,
        "active": True,
        "private": False,
        "initiator": True,
        "opened_at": "2025-01-27T17:46:40.000Z",
        "pending_htlcs": [
            {"incoming": False, "amount_sat": 100_000, "expiration_height": 862_100},
            {"incoming": True, "amount_sat": 7_000, "expiration_height": 862_140},
        ],
        "uptime_s": None,
        "lifetime_s": None,
        "commit_fee_sat": None,
        "opening_fee_sat": None,
        "remote_reserve_sat": 40_000,
        "lowest_htlc_msat": None,
        "highest_htlc_msat": 4_950_000_000,
        "own_policy": policy,
        "peer_policy": policy | {"fee_rate_ppm": 777},
    }


def test_balances_are_rounded_down_and_what_is_under_way_is_nobodys(cln: FakeCln) -> None:
    channel = read_channel(cln, to_us_msat=100_000_400, total_msat=107_001_499)
    assert (channel["local_balance_sat"], channel["remote_balance_sat"], channel["capacity_sat"]) == (0, 0, 107_001)


@pytest.mark.parametrize(
    "state",
    ["OPENINGD", "CHANNELD_AWAITING_LOCKIN", "DUALOPEND_AWAITING_LOCKIN", "CHANNELD_SHUTTING_DOWN",
     "CLOSINGD_SIGEXCHANGE", "CLOSINGD_COMPLETE", "AWAITING_UNILATERAL", "FUNDING_SPEND_SEEN", "ONCHAIN"],
)  # fmt: skip
def test_a_channel_before_or_after_its_life_is_not_reported(cln: FakeCln, state: str) -> None:
    cln.answers["listpeerchannels"] = lambda _: {"channels": [describe_channel(state=state)]}
    with connect(cln) as driver:
        assert driver.read_node()["channels"] == []


def test_a_channel_that_is_being_spliced_goes_on_living(cln: FakeCln) -> None:
    assert read_channel(cln, state="CHANNELD_AWAITING_SPLICE")["short_channel_id"] == SCID


def test_a_channel_without_confirmations_goes_by_its_alias(cln: FakeCln) -> None:
    channel = read_channel(cln, short_channel_id=None, alias={"local": "13567504x10523633x59145"})
    assert channel["short_channel_id"] == "13567504x10523633x59145"


@pytest.mark.parametrize("changes", [{"peer_connected": False}, {"reestablished": False}])
def test_a_channel_whose_peer_is_away_is_inactive(cln: FakeCln, changes: dict[str, bool]) -> None:
    assert read_channel(cln, **changes)["active"] is False


def test_the_peer_is_the_opener_where_we_are_not(cln: FakeCln) -> None:
    channel = read_channel(cln, opener="remote", private=True, state_changes=[])
    assert (channel["initiator"], channel["private"], channel["opened_at"]) == (False, True, None)


def test_the_own_policy_is_the_one_in_force_before_it_is_announced(cln: FakeCln) -> None:
    channel = read_channel(cln, fee_proportional_millionths=300)
    assert channel["own_policy"]["fee_rate_ppm"] == 300


def test_policies_that_were_never_announced_are_null(cln: FakeCln) -> None:
    channel = read_channel(cln, updates=None)
    assert (channel["own_policy"], channel["peer_policy"]) == (None, None)
    channel = read_channel(cln, updates={"local": describe_update()})
    assert channel["own_policy"] is not None
    assert channel["peer_policy"] is None


def test_a_policy_outside_the_contract_does_not_cost_the_snapshot(cln: FakeCln) -> None:
    channel = read_channel(
        cln,
        fee_proportional_millionths=1_000_001,
        updates={"local": describe_update(), "remote": describe_update(htlc_minimum_msat=4_950_000_001)},
    )
    assert (channel["own_policy"], channel["peer_policy"]) == (None, None)


def test_no_effective_limit_is_the_capacity(cln: FakeCln) -> None:
    assert read_channel(cln, maximum_htlc_out_msat=2**64 - 1)["own_policy"]["max_htlc_msat"] == 5_000_000_000


@pytest.mark.parametrize(
    "changes",
    [{"to_us_msat": "3000000700msat"}, {"total_msat": -1}, {"peer_connected": 1}, {"opener": None}, {"htlcs": {}},
     {"updates": []}, {"updates": {"local": {"fee_base_msat": 1}}}],
)  # fmt: skip
def test_an_answer_that_is_not_as_the_schema_says_is_an_error(cln: FakeCln, changes: dict[str, Any]) -> None:
    cln.answers["listpeerchannels"] = lambda _: {"channels": [describe_channel(**changes)]}
    with connect(cln) as driver, pytest.raises(NodeError) as caught:
        driver.read_node()
    assert caught.value.fault is Fault.GARBLED


def test_another_node_behind_the_address_is_refused(cln: FakeCln) -> None:
    with connect(cln, pubkey=PEER) as driver, pytest.raises(NodeError, match="Core Lightning is now") as caught:
        driver.read_node()
    assert caught.value.fault is Fault.WRONG_NODE
    assert caught.value.permanent


def test_a_settled_forward_is_mapped_whole(cln: FakeCln) -> None:
    assert read_events(cln, describe_forward(3)) == [
        {
            "id": f"3:{SCID}",
            "incoming_scid": SCID,
            "outgoing_scid": "800001x8x1",
            "in_msat": 1_000_250,
            "out_msat": 1_000_000,
            "fee_msat": 250,
            "settled_at": "2025-01-27T17:46:41.125000Z",
            "status": "settled",
        }
    ]


def test_a_failed_forward_earned_nothing(cln: FakeCln) -> None:
    failed = describe_forward(3, status="failed", failcode=4103, failreason="WIRE_TEMPORARY_CHANNEL_FAILURE")
    [event] = read_events(cln, failed)
    assert (event["status"], event["fee_msat"], event["out_msat"]) == ("failed", 0, 1_000_000)


def test_of_a_payment_that_failed_here_nothing_went_out(cln: FakeCln) -> None:
    failed = describe_forward(4, status="local_failed")
    for absent in ("updated_index", "out_msat", "fee_msat", "resolved_time", "out_htlc_id"):
        del failed[absent]
    [event] = read_events(cln, failed)
    assert (event["status"], event["out_msat"], event["fee_msat"]) == ("local_failed", 0, 0)
    assert event["settled_at"] == "2025-01-27T17:46:40.250000Z"


def test_what_core_lightning_kept_too_little_of_is_left_out(cln: FakeCln) -> None:
    nowhere = describe_forward(2, status="local_failed")
    del nowhere["out_channel"]
    forgotten = describe_forward(3)
    del forgotten["in_channel"]
    timeless = describe_forward(4, resolved_time=0)
    events = read_events(cln, nowhere, forgotten, timeless, describe_forward(5))
    assert [event["id"] for event in events] == [f"5:{SCID}"]


def test_both_kinds_go_on_where_they_stopped(cln: FakeCln) -> None:
    asked: list[dict[str, Any]] = []

    def answer(params: dict[str, Any]) -> object:
        asked.append(params)
        is_failed = params.get("status") == "local_failed"
        forwards = (
            [describe_forward(9, status="local_failed")] if is_failed else [describe_forward(6), describe_forward(7)]
        )
        return {"forwards": forwards if params["start"] == 1 else []}

    cln.answers["listforwards"] = answer
    with connect(cln) as driver:
        first = driver.read_forwards("0")
        second = driver.read_forwards(first.cursor)
    assert [(params["index"], params["start"]) for params in asked] == [
        ("updated", 1), ("created", 1), ("updated", 8), ("created", 10),
    ]  # fmt: skip
    assert len(first.events) == 3
    assert (second.events, second.cursor, second.more) == ([], first.cursor, False)
    assert len(first.cursor) <= 20


@pytest.mark.parametrize("cursor", ["", "-1", "x", "1" * 21, str(2**64)])
def test_a_foreign_cursor_is_refused(cln: FakeCln, cursor: str) -> None:
    with connect(cln) as driver, pytest.raises(NodeError, match="cursor") as caught:
        driver.read_forwards(cursor)
    assert caught.value.fault is Fault.SETTING


def test_the_node_signs_the_claim(cln: FakeCln) -> None:
    with connect(cln) as driver:
        signature = driver.sign_message("dazno-claim:v1:x")
        assert driver.identify().pubkey == recover_signer(b"dazno-claim:v1:x", signature)


def test_an_edge_of_ours_shows_what_is_in_force_before_it_is_announced(cln: FakeCln) -> None:
    cln.answers["listpeerchannels"] = lambda _: {"channels": [describe_channel(fee_proportional_millionths=300)]}
    with connect(cln) as driver:
        edge = driver.graph_edge(SCID)
    assert edge is not None
    own, peer = edge["policies"][OWN], edge["policies"][PEER]
    assert own is not None
    assert peer is not None
    assert (own["fee_rate_ppm"], peer["fee_rate_ppm"], edge["capacity_sat"]) == (300, 777, 5_000_000)
    assert cln.methods == ["getinfo", "listpeerchannels"]


def test_the_graph_is_told_in_the_shared_words(cln: FakeCln) -> None:
    row = {
        "source": OWN, "destination": PEER, "short_channel_id": SCID, "direction": 0, "public": True,
        "amount_msat": 5_000_000_000, "message_flags": 1, "channel_flags": 2, "active": False, "features": "",
        "last_update": 1_738_000_000, "base_fee_millisatoshi": 1, "fee_per_millionth": 10, "delay": 34,
        "htlc_minimum_msat": 0,
    }  # fmt: skip
    cln.answers["listnodes"] = lambda params: {
        "nodes": [{"nodeid": OWN, "alias": "carol\n", "last_timestamp": 1_738_000_000}] if params["id"] == OWN else []
    }
    cln.answers["listchannels"] = lambda _: {"channels": [row]}
    with connect(cln) as driver:
        assert driver.graph_node(PEER) is None
        assert driver.graph_node(OWN) == {
            "alias": "carol", "channel_count": 1, "capacity_sat": 5_000_000, "last_update": 1_738_000_000,
        }  # fmt: skip
        edge = driver.graph_edge("1x1x1")
        cln.answers["listchannels"] = lambda _: {"channels": []}
        assert driver.graph_edge("1x1x1") is None
    assert edge is not None
    own = edge["policies"][OWN]
    assert own is not None
    assert (own["disabled"], own["max_htlc_msat"], own["time_lock_delta"]) == (True, 5_000_000_000, 34)
    assert edge["policies"][PEER] is None
