"""The simulated Core Lightning answers as its own schemas say, and its numbers fit together."""

from collections.abc import Iterator
from typing import Any

import pytest

from mcp_saas.kit.node_message import recover_signer
from nodes.simulator.home import open_home
from nodes.simulator.network import build_world
from nodes.simulator.small_network import generate_network
from nodes.simulator.world import check_conservation
from tests.fakes.cln_schema import find_faults
from tests.fakes.simulated_cln import StillCln, serve_still_cln
from tests.reference_data import CLN_SCHEMAS

NOW_S = 1_760_000_000


@pytest.fixture(scope="module")
def cln(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StillCln]:
    """A busy node that has a payment under way, an inactive, a private and a pending channel."""
    graph = generate_network(seed=7, now_s=NOW_S)
    world = build_world(graph, 12, origin="test", now_s=NOW_S, seed=7, has_own_keys=True)
    forwarding = {htlc.pubkey for htlc in world.in_flight}
    node = max((node for node in world.fleet if node.pubkey in forwarding), key=lambda node: len(node.history))
    node.pending_channel_points = [f"{'ab' * 32}:1"]
    world.channels_of(node.pubkey)[0].active = False
    world.channels_of(node.pubkey)[1].private = True
    with serve_still_cln(world, node.pubkey, open_home(tmp_path_factory.mktemp("home"), node.pubkey)) as still:
        yield still


def list_channels(cln: StillCln, **params: Any) -> list[dict[str, Any]]:
    channels = cln.call("listpeerchannels", **params)["channels"]
    assert isinstance(channels, list)
    return channels


def list_forwards(cln: StillCln, **params: Any) -> list[dict[str, Any]]:
    forwards = cln.call("listforwards", **params)["forwards"]
    assert isinstance(forwards, list)
    return forwards


def test_every_request_and_answer_fits_the_published_schemas(cln: StillCln) -> None:
    if not CLN_SCHEMAS.exists():
        pytest.skip(f"there is no {CLN_SCHEMAS}: answers of the simulated node are not compared with CLN's own schemas")
    channel = list_channels(cln)[2]
    scid, peer, channel_id = channel["short_channel_id"], channel["peer_id"], channel["channel_id"]
    calls: list[tuple[str, dict[str, Any]]] = [
        ("getinfo", {}),
        ("listpeerchannels", {}),
        ("listpeerchannels", {"id": peer}),
        ("listpeerchannels", {"short_channel_id": scid}),
        ("listpeerchannels", {"channel_id": channel_id}),
        ("listforwards", {}),
        ("listforwards", {"index": "updated", "start": 2, "limit": 5}),
        ("listforwards", {"status": "local_failed", "in_channel": scid}),
        ("listnodes", {}),
        ("listnodes", {"id": peer}),
        ("listnodes", {"id": f"02{'0' * 64}"}),
        ("listchannels", {}),
        ("listchannels", {"short_channel_id": scid}),
        ("listchannels", {"source": cln.pubkey}),
        ("listchannels", {"destination": cln.pubkey}),
        ("feerates", {"style": "perkb"}),
        ("feerates", {"style": "perkw"}),
        ("setchannel", {"id": scid, "feebase": 7, "feeppm": 8, "htlcmin": 0, "htlcmax": 10**15}),
        ("setchannel", {"id": channel_id, "enforcedelay": 0, "ignorefeelimits": False}),
        ("setchannel", {"id": peer}),
        ("setchannel", {"id": "all"}),
        ("bkpr-listincome", {}),
        ("bkpr-listincome", {"start_time": 5, "end_time": 2**31, "consolidate_fees": True}),
        ("bkpr-listaccountevents", {}),
        ("bkpr-listaccountevents", {"payment_id": "00" * 32}),
    ]
    for method, params in calls:
        answer = cln.call(method, **params)
        assert find_faults(params, method, "request") == [], method
        assert find_faults(answer, method, "response") == [], method


def test_the_states_of_channels_are_told(cln: StillCln) -> None:
    channels = list_channels(cln)
    assert [channel["state"] for channel in channels].count("CHANNELD_AWAITING_LOCKIN") == 1
    assert "short_channel_id" not in channels[-1]
    assert channels[-1]["funding_txid"] == "ab" * 32
    assert channels[-1]["channel_id"] == f"{'ab' * 31}aa"  # the last byte XOR output 1
    assert not channels[0]["peer_connected"]
    assert channels[1]["private"]


def test_balances_are_the_worlds(cln: StillCln) -> None:
    check_conservation(cln.world)
    for channel, told in zip(cln.world.channels_of(cln.pubkey), list_channels(cln), strict=False):
        own, peer = channel.seen_by(cln.pubkey)
        out_msat = sum(htlc["amount_msat"] for htlc in told["htlcs"] if htlc["direction"] == "out")
        in_msat = sum(htlc["amount_msat"] for htlc in told["htlcs"] if htlc["direction"] == "in")
        opened_by = told["opener"]
        fee_msat = told["last_tx_fee_msat"]
        assert told["to_us_msat"] == own.balance_msat + out_msat + (fee_msat if opened_by == "local" else 0)
        to_them_msat = told["total_msat"] - told["to_us_msat"]
        assert to_them_msat == peer.balance_msat + in_msat + (fee_msat if opened_by == "remote" else 0)
    assert any(told.get("htlcs") for told in list_channels(cln))


def test_both_orders_of_forwards_are_stable_and_complete(cln: StillCln) -> None:
    created = list_forwards(cln)
    assert [forward["created_index"] for forward in created] == list(range(1, len(created) + 1))
    updated = list_forwards(cln, index="updated")
    assert [forward["updated_index"] for forward in updated] == list(range(1, len(updated) + 1))
    assert {forward["status"] for forward in updated} == {"settled", "failed"}
    assert {forward["status"] for forward in created if "updated_index" not in forward} == {"offered", "local_failed"}
    received = [forward["received_time"] for forward in created]
    assert received == sorted(received)
    resolved = [forward["resolved_time"] for forward in updated]
    assert resolved == sorted(resolved)


def test_forwards_are_paged_by_start_and_limit(cln: StillCln) -> None:
    everything = list_forwards(cln, index="created")
    first = list_forwards(cln, index="created", limit=3)
    rest = list_forwards(cln, index="created", start=first[-1]["created_index"] + 1)
    assert len(first) == 3
    assert first + rest == everything
    failed = list_forwards(cln, index="created", start=5, limit=2, status="local_failed")
    assert len(failed) == 2
    assert all(forward["status"] == "local_failed" and forward["created_index"] >= 5 for forward in failed)


def test_forwards_are_chosen_by_channel(cln: StillCln) -> None:
    wanted = list_forwards(cln)[0]["out_channel"]
    found = list_forwards(cln, out_channel=wanted)
    assert found
    assert {forward["out_channel"] for forward in found} == {wanted}


def test_the_graph_tells_both_directions(cln: StillCln) -> None:
    scid = list_channels(cln)[2]["short_channel_id"]
    there, back = cln.call("listchannels", short_channel_id=scid)["channels"]
    assert (there["source"], there["destination"]) == (back["destination"], back["source"])
    assert {there["direction"], back["direction"]} == {0, 1}
    assert cln.call("listnodes", id=cln.pubkey)["nodes"][0]["alias"] == cln.call("getinfo")["alias"]


def test_an_unannounced_channel_is_in_the_own_graph_alone(cln: StillCln) -> None:
    private = list_channels(cln)[1]
    found = cln.call("listchannels", short_channel_id=private["short_channel_id"])["channels"]
    assert found
    assert not any(channel["public"] for channel in found)


def test_a_signature_is_the_nodes_own(cln: StillCln) -> None:
    answer = cln.call("signmessage", message="hello")
    assert recover_signer(b"hello", answer["zbase"]) == cln.pubkey
    assert len(bytes.fromhex(answer["signature"])) == 64
    assert answer["recid"] in {"00", "01"}


def test_feerates_differ_by_their_unit_alone(cln: StillCln) -> None:
    by_kb, by_kw = cln.call("feerates", style="perkb")["perkb"], cln.call("feerates", style="perkw")["perkw"]
    assert by_kb["opening"] == by_kw["opening"] * 4
    assert [estimate["blockcount"] for estimate in by_kw["estimates"]] == [2, 6, 12, 100]


def test_the_bookkeeper_charges_the_fee_of_a_payment_to_ourselves_where_it_left(cln: StillCln) -> None:
    income = cln.call("bkpr-listincome")["income_events"]
    assert isinstance(income, list)
    assert len(income) > 3
    accounts = {channel["channel_id"] for channel in list_channels(cln)}
    for fee in income:
        assert (fee["tag"], fee["credit_msat"]) == ("rebalance_fee", 0)
        out, back = cln.call("bkpr-listaccountevents", payment_id=fee["payment_id"])["events"]
        assert out["debit_msat"] - back["credit_msat"] == fee["debit_msat"] == out["fees_msat"]
        assert out["account"] == fee["account"]
        assert {out["account"], back["account"]} <= accounts
        assert out["is_rebalance"] is back["is_rebalance"] is True

    later = cln.call("bkpr-listincome", start_time=income[1]["timestamp"])["income_events"]
    assert later == income[2:]
