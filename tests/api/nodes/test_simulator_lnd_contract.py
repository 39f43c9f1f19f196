"""The simulated LND answers as LND's own swagger file says, and its numbers fit together."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from nodes.simulator.home import open_home
from nodes.simulator.network import build_world
from nodes.simulator.small_network import generate_network
from tests.fakes.lnd_swagger import LndSwagger
from tests.fakes.simulated_fleet import StillNode, serve_still
from tests.reference_data import LND_SWAGGER

NOW_S = 1_760_000_000


@pytest.fixture(scope="module")
def lnd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StillNode]:
    """A busy node that has a payment under way, an inactive and a private channel."""
    world = build_world(generate_network(seed=7, now_s=NOW_S), 12, origin="test", now_s=NOW_S, seed=7)
    forwarding = {htlc.pubkey for htlc in world.in_flight}
    pubkey = max((node for node in world.fleet if node.pubkey in forwarding), key=lambda node: len(node.history)).pubkey
    world.channels_of(pubkey)[0].active = False
    world.channels_of(pubkey)[1].private = True
    next(node for node in world.fleet if node.pubkey == pubkey).pending_channel_points = [f"{'d' * 64}:0"]
    with serve_still(world, pubkey, open_home(tmp_path_factory.mktemp("home"), pubkey)) as node:
        yield node


@pytest.fixture(scope="module")
def swagger() -> LndSwagger:
    if not LND_SWAGGER.exists():
        pytest.skip(f"there is no {LND_SWAGGER}: answers of the simulated LND are not compared with LND's own schema")
    return LndSwagger()


def list_channels(lnd: StillNode, **query: Any) -> list[dict[str, Any]]:
    channels = lnd.get("/v1/channels", **query)["channels"]
    assert isinstance(channels, list)
    return channels


def test_every_answer_fits_the_published_schema(lnd: StillNode, swagger: LndSwagger) -> None:
    channel_id = list_channels(lnd)[2]["chan_id"]
    peer = list_channels(lnd)[2]["remote_pubkey"]
    wrong = {"chan_point": {"funding_txid_str": "a" * 64}, "time_lock_delta": 80}

    unknown = lnd.client.get("/v1/graph/edge/1")
    assert unknown.status_code == 404
    answers = [
        (lnd.get("/v1/getinfo"), "lnrpcGetInfoResponse"),
        (lnd.get("/v1/channels"), "lnrpcListChannelsResponse"),
        (lnd.get("/v1/channels", peer_alias_lookup="true"), "lnrpcListChannelsResponse"),
        (lnd.get("/v1/fees"), "lnrpcFeeReportResponse"),
        (lnd.get("/v1/transactions"), "lnrpcTransactionDetails"),
        (lnd.get("/v1/payments"), "lnrpcListPaymentsResponse"),
        (lnd.get("/v1/payments", max_payments=1, index_offset=1), "lnrpcListPaymentsResponse"),
        (lnd.get("/v1/transactions", max_transactions=1, index_offset=1), "lnrpcTransactionDetails"),
        (lnd.get("/v1/balance/channels"), "lnrpcChannelBalanceResponse"),
        (lnd.get("/v1/balance/blockchain"), "lnrpcWalletBalanceResponse"),
        (lnd.get("/v1/channels/pending"), "lnrpcPendingChannelsResponse"),
        (lnd.get("/v1/channels/closed"), "lnrpcClosedChannelsResponse"),
        (lnd.get("/v1/peers"), "lnrpcListPeersResponse"),
        (lnd.get(f"/v1/graph/node/{lnd.pubkey}", include_channels="true"), "lnrpcNodeInfo"),
        (lnd.get(f"/v1/graph/node/{peer}", include_channels="true"), "lnrpcNodeInfo"),
        (lnd.get(f"/v1/graph/edge/{channel_id}"), "lnrpcChannelEdge"),
        (lnd.post("/v1/switch", {}), "lnrpcForwardingHistoryResponse"),
        (lnd.post("/v1/switch", {"peer_alias_lookup": True}), "lnrpcForwardingHistoryResponse"),
        (lnd.post("/v1/chanpolicy", wrong), "lnrpcPolicyUpdateResponse"),
        (unknown.json(), "rpcStatus"),
    ]
    assert [swagger.find_faults(answer, definition) for answer, definition in answers] == [[]] * len(answers)


def test_the_check_against_the_schema_sees_wrong_types_and_missing_fields(swagger: LndSwagger) -> None:
    report = {"channel_fees": [], "day_fee_sum": "0", "week_fee_sum": "0", "month_fee_sum": "0"}
    spoilt = [
        {**report, "day_fee_sum": 0},
        {**report, "more": 1},
        {"channel_fees": []},
        {**report, "day_fee_sum": ""},
    ]

    assert swagger.find_faults(report, "lnrpcFeeReportResponse") == []
    assert all(swagger.find_faults(answer, "lnrpcFeeReportResponse") for answer in spoilt)


def test_64_bit_numbers_are_text_and_32_bit_numbers_are_numbers(lnd: StillNode) -> None:
    channel = list_channels(lnd)[0]
    fees = lnd.get("/v1/fees")["channel_fees"][0]
    forwards = lnd.post("/v1/switch", {"num_max_events": 1})

    assert [type(channel[name]) for name in ("chan_id", "capacity", "local_balance", "uptime", "csv_delay")] == [
        str, str, str, str, int,
    ]  # fmt: skip
    assert [type(fees[name]) for name in ("fee_per_mil", "fee_rate", "inbound_fee_per_mil")] == [str, float, int]
    assert type(forwards["last_offset_index"]) is int
    assert type(forwards["forwarding_events"][0]["timestamp_ns"]) is str


def test_the_node_counts_its_channels(lnd: StillNode) -> None:
    info = lnd.get("/v1/getinfo")

    active, inactive = list_channels(lnd, active_only="true"), list_channels(lnd, inactive_only="1")
    assert info["identity_pubkey"] == lnd.pubkey
    assert (info["num_active_channels"], info["num_inactive_channels"]) == (len(active), len(inactive))
    assert info["num_peers"] == len({channel["remote_pubkey"] for channel in active})
    assert info["num_pending_channels"] == len(
        next(n for n in lnd.world.fleet if n.pubkey == lnd.pubkey).pending_channel_points
    )
    assert info["synced_to_chain"] is info["synced_to_graph"] is True
    assert 917_000 < info["block_height"] < 919_000


def test_channels_are_filtered(lnd: StillNode) -> None:
    everything = {channel["chan_id"] for channel in list_channels(lnd)}
    for first, second in (("active_only", "inactive_only"), ("public_only", "private_only")):
        parts = [{channel["chan_id"] for channel in list_channels(lnd, **{name: "true"})} for name in (first, second)]
        assert parts[0] | parts[1] == everything
        assert not parts[0] & parts[1]
        assert all(parts)

    peer = list_channels(lnd)[2]["remote_pubkey"]
    raw = bytes.fromhex(peer)
    for text in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
        assert {channel["remote_pubkey"] for channel in list_channels(lnd, peer=text.decode())} == {peer}


def test_an_alias_is_looked_up_when_asked_for(lnd: StillNode) -> None:
    known = {node.pubkey: node.alias for node in lnd.world.known_nodes}

    assert {channel["peer_alias"] for channel in list_channels(lnd)} == {""}
    for channel in list_channels(lnd, peer_alias_lookup="true"):
        assert channel["peer_alias"] == known[channel["remote_pubkey"]] != ""


def test_balances_htlcs_and_commitment_fee_make_up_the_capacity(lnd: StillNode) -> None:
    channels = list_channels(lnd)

    for channel in channels:
        parts = ("local_balance", "remote_balance", "commit_fee", "unsettled_balance")
        assert sum(int(channel[part]) for part in parts) == int(channel["capacity"])
        assert sum(int(htlc["amount"]) for htlc in channel["pending_htlcs"]) == int(channel["unsettled_balance"])
        assert 0 < int(channel["commit_fee"]) < 3_000
        assert 0 <= int(channel["uptime"]) <= int(channel["lifetime"])
    assert sum(int(channel["unsettled_balance"]) > 0 for channel in channels) >= 2


def test_a_payment_under_way_shows_in_both_channels(lnd: StillNode) -> None:
    by_id = {channel["chan_id"]: channel for channel in list_channels(lnd)}
    under_way = next(htlc for htlc in lnd.world.in_flight if htlc.pubkey == lnd.pubkey)

    incoming = next(h for h in by_id[str(under_way.incoming_id)]["pending_htlcs"] if h["incoming"])
    outgoing = next(h for h in by_id[str(under_way.outgoing_id)]["pending_htlcs"] if not h["incoming"])
    assert incoming["hash_lock"] == outgoing["hash_lock"] == base64.b64encode(under_way.payment_hash).decode()
    assert incoming["forwarding_channel"] == str(under_way.outgoing_id)
    assert incoming["forwarding_htlc_index"] == outgoing["htlc_index"]
    assert outgoing["forwarding_channel"] == str(under_way.incoming_id)
    assert outgoing["forwarding_htlc_index"] == incoming["htlc_index"]
    assert incoming["expiration_height"] > outgoing["expiration_height"]


def test_own_policies_are_the_same_in_the_fee_report_the_edge_and_the_node(lnd: StillNode) -> None:
    report = {fee["chan_id"]: fee for fee in lnd.get("/v1/fees")["channel_fees"]}
    edges = lnd.get(f"/v1/graph/node/{lnd.pubkey}", include_channels="true")["channels"]
    channels = {channel["chan_id"]: channel for channel in list_channels(lnd)}

    assert report.keys() == channels.keys()
    assert {edge["channel_id"] for edge in edges} == {i for i, channel in channels.items() if not channel["private"]}
    for edge in edges:
        policy = edge["node1_policy" if edge["node1_pub"] == lnd.pubkey else "node2_policy"]
        fee = report[edge["channel_id"]]
        assert fee["base_fee_msat"] == policy["fee_base_msat"]
        assert fee["fee_per_mil"] == policy["fee_rate_milli_msat"]
        assert fee["fee_rate"] == int(policy["fee_rate_milli_msat"]) / 1_000_000
        assert fee["channel_point"] == edge["chan_point"]
        assert lnd.get(f"/v1/graph/edge/{edge['channel_id']}") == edge
        assert lnd.get("/v1/graph/edge/0", chan_point=edge["chan_point"]) == edge


def test_a_private_channel_has_an_edge_here_but_is_not_announced(lnd: StillNode) -> None:
    private = list_channels(lnd, private_only="true")[0]
    node = lnd.get(f"/v1/graph/node/{lnd.pubkey}", include_channels="true")

    assert lnd.get(f"/v1/graph/edge/{private['chan_id']}")["chan_point"] == private["channel_point"]
    assert private["chan_id"] not in {edge["channel_id"] for edge in node["channels"]}
    assert node["num_channels"] == len(list_channels(lnd)) > len(node["channels"])


def test_a_peer_is_told_with_the_sums_of_the_whole_graph(lnd: StillNode) -> None:
    peer = list_channels(lnd)[3]["remote_pubkey"]
    known = next(node for node in lnd.world.known_nodes if node.pubkey == peer)

    told = lnd.get(f"/v1/graph/node/{peer}")

    assert (told["node"]["alias"], told["num_channels"], told["total_capacity"]) == (
        known.alias, known.channel_count, str(known.capacity_sat),
    )  # fmt: skip
    assert told["channels"] == []


@pytest.fixture(scope="module")
def history(lnd: StillNode) -> list[dict[str, str]]:
    events = lnd.post("/v1/switch", {"num_max_events": 50_000})["forwarding_events"]
    assert len(events) > 120
    return list(events)


def test_forwards_are_settled_ones_oldest_first_with_exact_fees(lnd: StillNode, history: list[dict[str, str]]) -> None:
    settled = [r for n in lnd.world.fleet if n.pubkey == lnd.pubkey for r in n.history if r.status == "settled"]

    assert [event["timestamp_ns"] for event in history] == [str(record.at_ns) for record in settled]
    for event in history:
        assert int(event["amt_in_msat"]) - int(event["amt_out_msat"]) == int(event["fee_msat"])
        assert (event["fee"], event["amt_in"]) == (
            str(int(event["fee_msat"]) // 1000),
            str(int(event["amt_in_msat"]) // 1000),
        )
        assert event["timestamp"] == str(int(event["timestamp_ns"]) // 10**9)


def test_forwards_are_paged_by_the_offset_answered(lnd: StillNode, history: list[dict[str, str]]) -> None:
    assert lnd.post("/v1/switch", {}) == {"forwarding_events": history[:100], "last_offset_index": 100}
    read: list[dict[str, str]] = []
    pages = 0
    while page := lnd.post("/v1/switch", {"index_offset": len(read), "num_max_events": 50})["forwarding_events"]:
        read += page
        pages += 1
    assert read == history
    assert pages == -(-len(history) // 50)
    assert lnd.post("/v1/switch", {"index_offset": 99_999})["last_offset_index"] == 99_999


def test_forwards_are_limited_to_times_and_channels(lnd: StillNode, history: list[dict[str, str]]) -> None:
    middle = int(history[60]["timestamp"])
    channel_id = history[60]["chan_id_out"]

    late = lnd.post("/v1/switch", {"start_time": str(middle), "num_max_events": "50000"})["forwarding_events"]
    early = lnd.post("/v1/switch", {"end_time": middle, "num_max_events": 50_000})["forwarding_events"]
    by_channel = lnd.post("/v1/switch", {"outgoing_chan_ids": [channel_id], "num_max_events": 50_000})

    assert [event for event in history if event not in late] == early
    assert late[0] == history[60]
    assert by_channel["forwarding_events"] == [event for event in history if event["chan_id_out"] == channel_id]
    assert lnd.post("/v1/switch", {"incoming_chan_ids": ["1"]})["forwarding_events"] == []


def test_fee_sums_are_those_of_the_history(lnd: StillNode, history: list[dict[str, str]]) -> None:
    report = lnd.get("/v1/fees")

    for name, days in (("day_fee_sum", 1), ("week_fee_sum", 7), ("month_fee_sum", 30)):
        since_ns = lnd.world.advanced_to_ns - days * 86_400 * 10**9
        fees = sum(int(event["fee_msat"]) for event in history if int(event["timestamp_ns"]) >= since_ns)
        assert report[name] == str(fees // 1000)
    assert int(report["month_fee_sum"]) > int(report["week_fee_sum"]) > 0


def test_payments_of_the_node_to_itself_are_paged_by_the_exclusive_offset(lnd: StillNode) -> None:
    payments = lnd.get("/v1/payments")["payments"]
    assert isinstance(payments, list)
    assert len(payments) > 3
    for number, payment in enumerate(payments, start=1):
        [htlc] = payment["htlcs"]
        first, *_, last = htlc["route"]["hops"]
        assert payment["payment_index"] == str(number)
        assert last["pub_key"] == lnd.pubkey
        assert {first["chan_id"], last["chan_id"]} <= {row["chan_id"] for row in list_channels(lnd)}
        assert sum(int(hop["fee_msat"]) for hop in htlc["route"]["hops"]) == int(payment["fee_msat"])
        total = int(payment["value_msat"]) + int(payment["fee_msat"])
        assert htlc["route"]["total_amt_msat"] == str(total)

    page = lnd.get("/v1/payments", index_offset=1, max_payments=2)
    assert page["payments"] == payments[1:3]
    assert (page["first_index_offset"], page["last_index_offset"]) == ("2", "3")
    since_s = int(payments[2]["creation_time_ns"]) // 10**9
    assert lnd.get("/v1/payments", creation_date_start=since_s)["payments"] == payments[2:]
