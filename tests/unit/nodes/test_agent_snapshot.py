"""What the box says of its node is exactly what LND says, in the cloud's words."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nodes.agent.node import open_node
from nodes.agent.report import Reporter
from nodes.engine.report import NodeSnapshot, PendingHtlc
from nodes.sources.driver.errors import NodeError
from nodes.sources.driver.short_channel_id import format_scid
from tests.fakes.box import Box, start_box
from tests.fakes.lnd_rest import OWN, PEERS, describe_policy, make_chan_id, make_chan_point

NOW_S = 1_727_000_000.25


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with start_box(tmp_path) as started:
        yield started


def read(box: Box) -> dict[str, Any]:
    with open_node(box.address, pubkey=OWN) as driver:
        return {**driver.read_node()}


def decode(box: Box) -> NodeSnapshot:
    """The reading as the cloud would take it: strictly."""
    body = {"seq": 1, "taken_at": "2024-09-22T10:13:20Z", **read(box)}
    return msgspec.json.decode(msgspec.json.encode(body), type=NodeSnapshot)


def test_a_sent_snapshot_is_what_the_cloud_decodes_strictly(box: Box) -> None:
    assert box.claim() == 0
    box.cloud.clock = lambda: NOW_S
    reporter = Reporter(box.home, clock=lambda: NOW_S)
    report = reporter.report()
    reporter.close()

    (call,) = box.cloud.calls_to(f"/api/v1/node/{OWN}/snapshots")
    assert call.headers["Content-Encoding"] == "gzip"
    assert len(call.headers["Idempotency-Key"]) >= 16
    snapshot = msgspec.json.decode(gzip.decompress(call.body), type=NodeSnapshot)
    assert snapshot.seq == report.seq == int(NOW_S)
    assert snapshot.taken_at.isoformat() == "2024-09-22T10:13:20.250000+00:00"
    assert snapshot.node.alias == "alice"
    assert (snapshot.node.implementation, snapshot.node.block_height) == ("lnd", 862_000)
    assert snapshot.node.onchain_fees == {"6": 10.0}
    assert [channel.peer_pubkey for channel in snapshot.channels] == PEERS[:3]


def test_a_channel_is_mapped_field_by_field(box: Box) -> None:
    channel = decode(box).channels[0]

    assert channel.short_channel_id == "800000x7x1"
    assert channel.channel_point == make_chan_point(0)
    assert (channel.capacity_sat, channel.local_balance_sat, channel.remote_balance_sat) == (
        5_000_000,
        3_000_000,
        1_900_000,
    )
    assert (channel.active, channel.private, channel.initiator) == (True, False, True)
    assert (channel.uptime_s, channel.lifetime_s, channel.opened_at) == (80_000, 86_400, None)
    assert channel.pending_htlcs == [PendingHtlc(incoming=False, amount_sat=97_190, expiration_height=862_100)]
    assert channel.own_policy is not None
    assert (channel.own_policy.base_fee_msat, channel.own_policy.fee_rate_ppm) == (1000, 250)
    assert (channel.own_policy.inbound_base_fee_msat, channel.own_policy.inbound_fee_rate_ppm) == (0, -20)
    assert (channel.own_policy.min_htlc_msat, channel.own_policy.max_htlc_msat) == (1000, 4_950_000_000)
    assert channel.own_policy.last_update == 1_726_000_000


def test_own_side_is_found_by_pubkey_whichever_side_of_the_edge_it_is(box: Box) -> None:
    channels = decode(box).channels

    assert box.lnd.edges[0]["node1_pub"] == OWN == box.lnd.edges[1]["node2_pub"]
    assert [channel.own_policy and channel.own_policy.fee_rate_ppm for channel in channels] == [250, 250, 250]
    assert [channel.peer_policy and channel.peer_policy.fee_rate_ppm for channel in channels] == [777, 777, 777]


def test_an_unannounced_channel_has_no_policies_rather_than_invented_ones(box: Box) -> None:
    del box.lnd.edges[1]
    box.lnd.channels[1]["private"] = True

    announced, private, _ = decode(box).channels
    assert announced.own_policy is not None
    assert private.private
    assert (private.own_policy, private.peer_policy) == (None, None)


def test_a_policy_that_the_graph_never_heard_is_null(box: Box) -> None:
    box.lnd.edges[0]["node2_policy"] = None
    box.lnd.edges[1]["node2_policy"]["last_update"] = 0

    first, second, _ = decode(box).channels
    assert first.own_policy is not None
    assert first.peer_policy is None
    assert second.own_policy is not None
    assert second.own_policy.last_update is None


def test_a_node_that_the_graph_does_not_know_still_reports_its_channels(box: Box) -> None:
    box.lnd.is_in_graph = False

    channels = decode(box).channels
    assert len(channels) == 3
    assert [(channel.own_policy, channel.peer_policy) for channel in channels] == [(None, None)] * 3


@pytest.mark.parametrize(
    "odd",
    [
        {"max_htlc_msat": "18446744073709551615"},
        {"min_htlc": "2", "max_htlc_msat": "1"},
        {"time_lock_delta": 70_000},
        {"fee_base_msat": "4294967296"},
        {"fee_rate_milli_msat": "4294967296"},
    ],
)
def test_an_odd_policy_of_one_peer_does_not_cost_the_snapshot(box: Box, odd: dict[str, Any]) -> None:
    box.lnd.edges[0]["node2_policy"] = describe_policy(**odd)

    snapshot = decode(box)
    assert snapshot.channels[0].peer_policy is None
    assert snapshot.channels[0].own_policy is not None
    assert snapshot.channels[1].peer_policy is not None


def test_a_peer_may_ask_any_fee_rate_of_32_bits(box: Box) -> None:
    box.lnd.edges[0]["node2_policy"] = describe_policy(fee_rate_milli_msat="4294967295")

    peer_policy = decode(box).channels[0].peer_policy
    assert peer_policy is not None
    assert peer_policy.fee_rate_ppm == 4_294_967_295


def test_inbound_fees_of_an_lnd_without_them_are_zero(box: Box) -> None:
    for edge in box.lnd.edges:
        for side in ("node1_policy", "node2_policy"):
            del edge[side]["inbound_fee_base_msat"], edge[side]["inbound_fee_rate_milli_msat"]

    own_policy = decode(box).channels[0].own_policy
    assert own_policy is not None
    assert (own_policy.inbound_base_fee_msat, own_policy.inbound_fee_rate_ppm) == (0, 0)


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("unable to lookup peer alias: alias for node not found", None),
        ("", None),
        (None, None),
        ("A" * 200, "A" * 128),
        ("⚡ node\x00\x1b[31m\n", "⚡ node[31m"),
        ("half \ud83d", "half "),
    ],
)
def test_peer_aliases_are_cut_and_cleaned_and_lnds_error_is_none(box: Box, said: str | None, sent: str | None) -> None:
    box.lnd.channels[0]["peer_alias"] = said

    assert decode(box).channels[0].peer_alias == sent


def test_the_largest_channel_id_keeps_all_its_bits(box: Box) -> None:
    assert format_scid(2**64 - 1) == "16777215x16777215x65535"
    assert format_scid(make_chan_id(5)) == "800005x12x1"
    box.lnd.channels[0]["chan_id"] = str(2**64 - 1)
    assert decode(box).channels[0].short_channel_id == "16777215x16777215x65535"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("capacity", 5_000_000),  # a number where LND has text
        ("capacity", "5e6"),
        ("capacity", "-1"),
        ("chan_id", "18446744073709551616"),
        ("local_balance", "٣"),  # a digit for Python, not for LND
        ("local_balance", None),
        ("active", "true"),
        ("remote_pubkey", 7),
        ("pending_htlcs", None),
    ],
)
def test_what_lnd_cannot_mean_is_refused_by_the_name_of_its_field(box: Box, name: str, value: object) -> None:
    box.lnd.channels[2][name] = value

    with pytest.raises(NodeError, match=f"`{name}`"):
        read(box)


def test_another_node_behind_the_same_address_is_not_reported(box: Box) -> None:
    box.lnd.info["identity_pubkey"] = PEERS[0]

    with pytest.raises(NodeError, match=PEERS[0]) as caught:
        read(box)
    assert caught.value.permanent


def test_a_snapshot_takes_four_calls(box: Box) -> None:
    read(box)

    assert [(call.method, call.path) for call in box.lnd.calls] == [
        ("GET", "/v1/getinfo"),
        ("GET", "/v1/channels?peer_alias_lookup=true"),
        ("GET", f"/v1/graph/node/{OWN}?include_channels=true"),
        ("GET", "/v2/wallet/estimatefee/6"),
    ]
