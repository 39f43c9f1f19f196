"""Each field of a snapshot that is wrong: a problem that points at it, and nothing stored."""

import datetime as dt
import json
from typing import Any

from nodes.engine.report import NodeSnapshot
from nodes.pipeline.ingest import MAX_STEP_BACK
from tests.api import lasting
from tests.api.case import cases
from tests.api.problem import assert_refused_at
from tests.api.tables import read_tables
from tests.conftest import ApiClient
from tests.factories import Box, as_json, make_channel, make_snapshot, pubkey_of

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db
PEER = pubkey_of("peer 1")
SECOND = dt.timedelta(seconds=1)
LOCAL = '"local_balance_sat":4000000'
FIRST = "/channels/0"
AMOUNTS = {
    "negative": "-1",
    "above the capacity": "5000001",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "minus Infinity": "-Infinity",
    "1e400": "1e400",
    "5,000 digits": "9" * 5000,
    "minus 5,000 digits": "-" + "9" * 5000,
    "2^64": "18446744073709551616",
    "true": "true",
    "a string": '"12"',
    "a string NaN": '"NaN"',
    "1.0": "1.0",
    "1e3": "1e3",
    "1.5": "1.5",
    "null": "null",
    "an array": "[1]",
    "an object": '{"sat":1}',
    "above 21 million bitcoin": "2100000000000001",
}
FIELDS = {
    "seq negative": ('"seq":9', '"seq":-1', "/seq"),
    "seq above 2^53": ('"seq":9', '"seq":9007199254740992', "/seq"),
    "seq true": ('"seq":9', '"seq":true', "/seq"),
    "seq missing": ('"seq":9,', "", "/seq"),
    "unknown field at the top": ('"seq":9', '"seq":9,"schema_name":"public"', "/schema_name"),
    "unknown field in a channel": (LOCAL, LOCAL + ',"owner":1', f"{FIRST}/owner"),
    "unknown field in a policy": ('"fee_rate_ppm":300', '"fee_rate_ppm":300,"fee":1', f"{FIRST}/own_policy/fee"),
    "unknown field in the node": ('"alias":"node"', '"alias":"node","tenant_id":1', "/node/tenant_id"),
    "unknown field with slash and tilde": (LOCAL, LOCAL + ',"a/b~c":1', f"{FIRST}/a~1b~0c"),
    "unknown field with a backtick": (LOCAL, LOCAL + ',"a`b":1', f"{FIRST}/a`b"),
    "missing in a channel": (LOCAL + ",", "", f"{FIRST}/local_balance_sat"),
    "missing in a policy": ('"fee_rate_ppm":300,', "", f"{FIRST}/own_policy/fee_rate_ppm"),
    "given twice at the top": ('"seq":9', '"seq":9,"seq":10', "/seq"),
    "given twice in a policy": (
        '"fee_rate_ppm":300', '"fee_rate_ppm":300,"fee_rate_ppm":300', f"{FIRST}/own_policy/fee_rate_ppm",
    ),
    "balances together above the capacity": (
        '"remote_balance_sat":990000', '"remote_balance_sat":1000001', f"{FIRST}/remote_balance_sat",
    ),
    "capacity above 21 million bitcoin": (
        '"capacity_sat":5000000', '"capacity_sat":2100000000000001', f"{FIRST}/capacity_sat",
    ),
    "capacity zero": ('"capacity_sat":5000000', '"capacity_sat":0', f"{FIRST}/capacity_sat"),
    "fee rate above 100 %": ('"fee_rate_ppm":300', '"fee_rate_ppm":1000001', f"{FIRST}/own_policy/fee_rate_ppm"),
    "fee rate negative": ('"fee_rate_ppm":300', '"fee_rate_ppm":-1', f"{FIRST}/own_policy/fee_rate_ppm"),
    "update after the last u32 second": (
        '"last_update":null', '"last_update":4294967296', f"{FIRST}/own_policy/last_update",
    ),
    "smallest payment above the largest": (
        '"min_htlc_msat":1000', '"min_htlc_msat":4950000001', f"{FIRST}/own_policy/min_htlc_msat",
    ),
    "version with an escape": ('"version":"0.20"', r'"version":"0.20\u001b[2J"', "/node/version"),
    "pending HTLCs above the protocol's": ('"pending_htlcs":0', '"pending_htlcs":967', f"{FIRST}/pending_htlcs"),
    "pending HTLCs true": ('"pending_htlcs":0', '"pending_htlcs":true', f"{FIRST}/pending_htlcs"),
    "a pending HTLC of less than nothing": (
        '"pending_htlcs":0',
        '"pending_htlcs":[{"incoming":true,"amount_sat":-1}]',
        f"{FIRST}/pending_htlcs/0/amount_sat",
    ),
    "967 pending HTLCs": (
        '"pending_htlcs":0',
        '"pending_htlcs":[' + ",".join(['{"incoming":true,"amount_sat":1}'] * 967) + "]",
        f"{FIRST}/pending_htlcs",
    ),
    "active as a number": ('"active":true', '"active":1', f"{FIRST}/active"),
    "another implementation": ('"implementation":"lnd"', '"implementation":"eclair"', "/node/implementation"),
    "alias too long": ('"alias":"node"', f'"alias":"{"a" * 129}"', "/node/alias"),
    "alias a number": ('"alias":"node"', '"alias":7', "/node/alias"),
    "opened before Bitcoin": ('"opened_at":null', '"opened_at":"0001-01-01T00:00:00+14:00"', f"{FIRST}/opened_at"),
    "opened after the calendar": ('"opened_at":null', '"opened_at":"9999-12-31T23:59:59-14:00"', f"{FIRST}/opened_at"),
}  # fmt: skip
PUBKEYS = {
    "upper case": PEER.upper(),
    "too long": PEER + "0",
    "too short": PEER[:-1],
    "empty": "",
    "uncompressed": "04" + PEER[2:],
    "unicode digit": PEER[:-1] + "٣",
    "full-width digit": "\uff10" + PEER[1:],
    "a newline after it": PEER + r"\n",
    "NUL after it": PEER + r"\u0000",
    "100 kB": "0" * 100_000,
    "a path": "../../../etc/passwd",
}
SHORT_CHANNEL_IDS = {
    "two parts": "800000x1",
    "four parts": "800000x1x0x0",
    "colons": "800000:1:0",
    "upper case": "800000X1X0",
    "negative": "-1x1x0",
    "block of 25 bits": "16777216x1x1",
    "transaction of 25 bits": "1x16777216x1",
    "output of 17 bits": "1x1x65536",
    "eight digits": "99999999x1x1",
    "nine digits": "999999999x1x0",
    "unicode digit": "٣x1x0",
    "leading zeros": "0800000x1x0",
    "LND's number": "879609302220800",
    "a newline after it": r"800000x1x0\n",
    "empty": "",
}
TAKEN_AT = {
    "naive": "2026-11-01T12:09:00",
    "a date": "2026-11-01",
    "words": "yesterday",
    "seconds as text": "1793534940",
    "30 February": "2026-02-30T00:00:00Z",
    "24 o'clock": "2026-11-01T24:00:00Z",
    "before Bitcoin": "2008-12-31T23:59:59Z",
    "before the calendar": "0001-01-01T00:00:00+14:00",
    "after the calendar": "9999-12-31T23:59:59-14:00",
    "empty": "",
}


def spoil(old: str, new: str) -> bytes:
    """A good snapshot in which the first `old` reads `new`."""
    text = json.dumps(as_json(make_snapshot(9)), separators=(",", ":"))
    assert old in text
    return text.replace(old, new, 1).encode()


def as_bytes(snapshot: NodeSnapshot) -> bytes:
    return json.dumps(as_json(snapshot)).encode()


def send_and_compare(api: ApiClient, box: Box, raw: bytes) -> Any:
    """Sends `raw` as a snapshot; whatever the answer, the box's tables are as before and a good one still goes in."""
    token = api.token_of(box)
    before = read_tables(box)
    answer = api.post(box.path("snapshots"), raw, token=token)
    assert read_tables(box) == before
    assert api.post(box.path("snapshots"), make_snapshot(9), token=token).status == 201
    return answer


@cases(AMOUNTS)
def test_an_amount_that_is_no_whole_number_of_sat_within_its_limits_is_refused(
    api: ApiClient, alice: Box, case: str
) -> None:
    answer = send_and_compare(api, alice, spoil(LOCAL, f'"local_balance_sat":{case}'))
    assert_refused_at(answer, f"{FIRST}/local_balance_sat")


@cases(FIELDS)
def test_a_wrong_field_is_refused_by_its_pointer(api: ApiClient, alice: Box, case: tuple[str, str, str]) -> None:
    old, new, pointer = case
    assert_refused_at(send_and_compare(api, alice, spoil(old, new)), pointer)


@cases(PUBKEYS)
def test_a_wrong_pubkey_is_refused(api: ApiClient, alice: Box, case: str) -> None:
    answer = send_and_compare(api, alice, spoil(PEER, case))
    assert_refused_at(answer, f"{FIRST}/peer_pubkey")
    assert answer.json["errors"][0]["detail"] == "Expected 66 lower-case hex digits, starting with 02 or 03"


@cases(SHORT_CHANNEL_IDS)
def test_a_wrong_short_channel_id_is_refused(api: ApiClient, alice: Box, case: str) -> None:
    answer = send_and_compare(api, alice, spoil("800000x1x0", case))
    assert_refused_at(answer, f"{FIRST}/short_channel_id")
    words = "block below 16777216, transaction below 16777216, output below 65536"
    assert words in answer.json["errors"][0]["detail"]


@cases({"a newline after it": r"0:0\n", "a dash": "0-0", "upper case": "A:0", "no output": "0:"})
def test_a_wrong_channel_point_is_refused(api: ApiClient, alice: Box, case: str) -> None:
    answer = send_and_compare(api, alice, spoil(f'{1:064x}:0"', f'{0:063x}{case}"'))
    assert_refused_at(answer, f"{FIRST}/channel_point")


@cases(TAKEN_AT)
def test_a_moment_that_is_none_is_refused(api: ApiClient, alice: Box, case: str) -> None:
    assert_refused_at(send_and_compare(api, alice, spoil("2026-11-01T12:09:00Z", case)), "/taken_at")


@cases({"2099": "2099-01-01T00:00:00Z", "the last moment of the calendar": "9999-12-31T23:59:59Z"})
def test_a_moment_in_the_future_is_refused_with_a_word_about_the_clock(api: ApiClient, alice: Box, case: str) -> None:
    answer = send_and_compare(api, alice, spoil("2026-11-01T12:09:00Z", case))
    assert_refused_at(answer, "/taken_at", status=422, code="in-the-future")
    assert "clock" in answer.json["detail"]


def test_a_channel_opened_in_the_future_is_refused_at_that_channel(api: ApiClient, alice: Box) -> None:
    body = as_json(make_snapshot(9))
    body["channels"][1]["opened_at"] = "2099-01-01T00:00:00Z"
    answer = send_and_compare(api, alice, json.dumps(body).encode())
    assert_refused_at(answer, "/channels/1/opened_at", status=422, code="in-the-future")


def test_a_newer_snapshot_from_long_before_the_last_is_refused_with_a_word_about_the_clock(
    api: ApiClient, alice: Box
) -> None:
    """The last, of `alice` herself, is number 1."""
    last = make_snapshot(1).taken_at
    answer = send_and_compare(api, alice, as_bytes(make_snapshot(9, taken_at=last - MAX_STEP_BACK - SECOND)))
    assert_refused_at(answer, "/taken_at", status=422, code="clock-stepped-back")
    assert "clock" in answer.json["detail"]


def test_a_channel_listed_twice_is_refused_at_its_second_place(api: ApiClient, alice: Box) -> None:
    body = as_json(make_snapshot(9))
    body["channels"].append(body["channels"][0])
    assert_refused_at(send_and_compare(api, alice, json.dumps(body).encode()), "/channels/2/short_channel_id")


def test_one_funding_output_under_two_channel_ids_is_refused_at_its_second_place(api: ApiClient, alice: Box) -> None:
    body = as_json(make_snapshot(9))
    body["channels"][1]["channel_point"] = body["channels"][0]["channel_point"]
    assert_refused_at(send_and_compare(api, alice, json.dumps(body).encode()), "/channels/1/channel_point")


def test_channels_whose_funding_output_is_not_known_are_told_apart_by_their_ids(api: ApiClient, alice: Box) -> None:
    channels = [make_channel(number, channel_point=None) for number in (1, 2)]
    assert api.post(alice.path("snapshots"), make_snapshot(9, channels), token=api.token_of(alice)).status == 201


def test_a_node_that_is_its_own_peer_is_refused_at_that_channel(api: ApiClient, alice: Box) -> None:
    body = as_json(make_snapshot(9))
    body["channels"][1]["peer_pubkey"] = alice.pubkey
    assert_refused_at(send_and_compare(api, alice, json.dumps(body).encode()), "/channels/1/peer_pubkey")


def test_the_pointer_counts_to_the_channel_that_is_wrong(api: ApiClient, alice: Box) -> None:
    body = as_json(make_snapshot(9))
    body["channels"][1]["own_policy"]["time_lock_delta"] = 65_536
    answer = send_and_compare(api, alice, json.dumps(body).encode())
    assert_refused_at(answer, "/channels/1/own_policy/time_lock_delta")


def test_a_field_given_twice_is_pointed_at_where_it_stands(api: ApiClient, alice: Box) -> None:
    text = json.dumps(as_json(make_snapshot(9)), separators=(",", ":"))
    head, tail = text.split('"short_channel_id":"800000x2x0"')
    raw = f'{head}"short_channel_id":"800000x2x0","active":true{tail}'.encode()
    answer = send_and_compare(api, alice, raw)
    assert_refused_at(answer, "/channels/1/active", code="duplicate")


def test_the_last_good_state_is_still_shown_after_a_bad_snapshot(api: ApiClient, alice: Box) -> None:
    token = api.token_of(alice)
    before = api.get(alice.path("channels"), token=token).json
    assert api.post(alice.path("snapshots"), spoil(LOCAL, '"local_balance_sat":-1'), token=token).status == 400
    assert api.get(alice.path("channels"), token=token).json == before
