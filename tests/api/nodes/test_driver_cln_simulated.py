"""The driver of Core Lightning against the simulated node, over a real socket."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mcp_saas.kit.node_message import recover_signer
from nodes.engine.report import Forward, NodeSnapshot
from nodes.simulator.home import open_home
from nodes.simulator.implementation import turn_into_cln
from nodes.simulator.network import build_world
from nodes.simulator.rune import make_rune
from nodes.simulator.small_network import generate_network
from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.driver import Driver, Outcome, PolicyWrite
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.policy import Policy
from nodes.sources.node import open_driver
from tests.fakes.simulated_cln import StillCln, serve_still_cln

NOW_S = 1_760_000_000
REPORT_RUNE = ["=7", "method=getinfo|method=listpeerchannels|method=feerates|method=listforwards|method=setchannel"]


@pytest.fixture
def cln(tmp_path: Path) -> Iterator[StillCln]:
    """A busy node that has a payment under way, an inactive, a private and a pending channel."""
    graph = generate_network(seed=7, now_s=NOW_S)
    world = build_world(graph, 12, origin="test", now_s=NOW_S, seed=7, has_own_keys=True)
    forwarding = {htlc.pubkey for htlc in world.in_flight}
    node = max((node for node in world.fleet if node.pubkey in forwarding), key=lambda node: len(node.history))
    turn_into_cln(node, world)
    node.pending_channel_points = [f"{'ab' * 32}:1"]
    world.channels_of(node.pubkey)[0].active = False
    world.channels_of(node.pubkey)[1].private = True
    with serve_still_cln(world, node.pubkey, open_home(tmp_path, node.pubkey)) as still:
        yield still


def connect(cln: StillCln, *, restrictions: list[str] | None = None) -> Driver:
    rune = make_rune(cln.secret, REPORT_RUNE if restrictions is None else restrictions)
    certificate = cln.home.tls_cert.read_text()
    return open_driver(
        DriverConfig(implementation="cln", url=cln.url, secret=rune, certificate=certificate, pubkey=cln.pubkey)
    )


def read_channels(cln: StillCln) -> list[dict[str, Any]]:
    with connect(cln) as driver:
        return driver.read_node()["channels"]


def test_a_reading_is_a_snapshot_that_the_cloud_takes(cln: StillCln) -> None:
    with connect(cln) as driver:
        reading = driver.read_node()
    body = msgspec.json.encode({"seq": 1, "taken_at": "2026-01-01T00:00:00Z", **reading})
    taken = msgspec.json.decode(body, type=NodeSnapshot)

    channels = cln.world.channels_of(cln.pubkey)
    assert len(taken.channels) == len(channels)  # the pending one is not among them
    assert not taken.channels[0].active
    assert taken.channels[1].private
    assert any(channel.pending_htlcs for channel in taken.channels)
    for told, channel in zip(taken.channels, channels, strict=True):
        own, peer = channel.seen_by(cln.pubkey)
        assert (told.channel_point, told.capacity_sat) == (channel.chan_point, channel.capacity_sat)
        assert told.initiator is (channel.sides[channel.initiator] is own)
        assert own.policy is not None
        assert told.own_policy is not None
        assert told.own_policy == msgspec.convert(
            {**msgspec.to_builtins(own.policy), "last_update": None, "disabled": False}, type(told.own_policy)
        )
        assert (told.peer_policy is None) == (peer.policy is None)


def test_all_forwards_are_read_with_their_outcome_and_once(cln: StillCln) -> None:
    history = next(node for node in cln.world.fleet if node.pubkey == cln.pubkey).history
    with connect(cln) as driver:
        page = driver.read_forwards("0")
        again = driver.read_forwards(page.cursor)
    forwards = msgspec.convert(page.events, list[Forward])

    assert len(forwards) == len({forward.id for forward in forwards}) == len(history)
    for status in ("settled", "failed", "local_failed"):
        told = [forward for forward in forwards if forward.status == status]
        assert told
        assert len(told) == sum(record.status == status for record in history)
    assert sum(forward.fee_msat for forward in forwards) == sum(
        record.in_msat - record.out_msat for record in history if record.status == "settled"
    )
    instants = [forward.settled_at for forward in forwards]
    assert instants == sorted(instants)
    assert (again.events, again.more) == ([], False)


def test_a_policy_is_written_and_in_force(cln: StillCln) -> None:
    channel = read_channels(cln)[2]
    present = Policy.from_fields(channel["own_policy"])
    wanted = replace(present, fee_rate_ppm=present.fee_rate_ppm + 11, base_fee_msat=77)
    write = PolicyWrite(
        short_channel_id=channel["short_channel_id"],
        channel_point=channel["channel_point"],
        policy=wanted,
        expected_policy=present,
    )
    with connect(cln) as driver:
        results = [driver.apply(write), driver.apply(write)]
        changed = driver.apply(replace(write, policy=present, expected_policy=present))
    assert [result.outcome for result in results] == [Outcome.WRITTEN, Outcome.WRITTEN]
    assert [result.policy for result in results] == [wanted, wanted]
    assert changed.outcome is Outcome.CHANGED
    assert Policy.from_fields(read_channels(cln)[2]["own_policy"]) == wanted
    assert len(cln.saves) == 1


def test_a_bound_below_the_peers_leaves_everything_as_it_was(cln: StillCln) -> None:
    own = cln.world.channels_of(cln.pubkey)[2].seen_by(cln.pubkey)[0]
    assert own.policy is not None
    own.min_htlc_msat = 1000
    own.policy = msgspec.structs.replace(own.policy, min_htlc_msat=1000)
    channel = read_channels(cln)[2]
    present = Policy.from_fields(channel["own_policy"])
    write = PolicyWrite(
        short_channel_id=channel["short_channel_id"],
        channel_point=None,
        policy=replace(present, fee_rate_ppm=present.fee_rate_ppm + 1, min_htlc_msat=0),
        expected_policy=present,
    )
    with connect(cln) as driver:
        result = driver.apply(write)
    assert result.outcome is Outcome.REFUSED
    assert result.policy == present == Policy.from_fields(read_channels(cln)[2]["own_policy"])


def test_a_rune_that_only_reads_writes_nothing(cln: StillCln) -> None:
    channel = read_channels(cln)[2]
    present = Policy.from_fields(channel["own_policy"])
    write = PolicyWrite(
        short_channel_id=channel["short_channel_id"],
        channel_point=None,
        policy=replace(present, fee_rate_ppm=present.fee_rate_ppm + 1),
        expected_policy=present,
    )
    with connect(cln, restrictions=["=8", "method/setchannel"]) as driver, pytest.raises(NodeError) as caught:
        driver.apply(write)
    assert caught.value.fault is Fault.FORBIDDEN
    assert cln.saves == []


def test_the_node_signs_and_knows_the_graph(cln: StillCln) -> None:
    scid = read_channels(cln)[2]["short_channel_id"]
    with connect(cln, restrictions=["=9"]) as driver:
        assert recover_signer(b"hello", driver.sign_message("hello")) == driver.identify().pubkey
        node, edge = driver.graph_node(cln.pubkey), driver.graph_edge(scid)
        assert driver.graph_node(f"02{'0' * 64}") is None
        assert driver.graph_edge("1x1x1") is None
    assert node is not None
    assert node["channel_count"] == len(cln.world.channels_of(cln.pubkey))
    assert edge is not None
    assert cln.pubkey in edge["policies"]
