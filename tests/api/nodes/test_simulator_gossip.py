"""Others hear ten updates of a channel's direction at once and then one a minute; its own node knows all of them."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.engine.report import PeerPolicy
from nodes.simulator.gossip import BURST, INTERVAL_NS, Gossip, listen
from nodes.simulator.network import build_world
from nodes.simulator.small_network import generate_network
from nodes.sources.driver.driver import Driver
from nodes.sources.node import open_driver
from tests.fakes.driven_node import DrivenNode, serve_driven

NOW_S = 1_760_000_000


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[DrivenNode, DrivenNode]]:
    """Two nodes of one world."""
    world = build_world(generate_network(seed=7, now_s=NOW_S), 2, origin="test", now_s=NOW_S, seed=7)
    ours, other = (node.pubkey for node in world.fleet)
    with serve_driven(world, ours, tmp_path / "a") as first, serve_driven(world, other, tmp_path / "b") as second:
        yield first, second


def see_ppm(driver: Driver, node: DrivenNode) -> object:
    edge = driver.graph_edge(node.plan_write(0).short_channel_id)
    policy = edge and edge["policies"][node.pubkey]
    return policy and policy["fee_rate_ppm"]


def test_the_eleventh_update_is_heard_a_minute_later(pair: tuple[DrivenNode, DrivenNode]) -> None:
    ours, other = pair
    with open_driver(ours.config) as mine, open_driver(other.config) as theirs:
        for ppm in range(1_001, 1_001 + BURST):
            assert mine.apply(ours.plan_write(0, fee_rate_ppm=ppm)).is_done
            assert see_ppm(theirs, ours) == ppm
        for ppm in (2_000, 2_001):
            assert mine.apply(ours.plan_write(0, fee_rate_ppm=ppm)).is_done
        assert (see_ppm(mine, ours), see_ppm(theirs, ours)) == (2_001, 1_000 + BURST)

        ours.world.advanced_to_ns += INTERVAL_NS
        assert see_ppm(theirs, ours) == 2_001


def test_what_was_heard_outlives_the_process(pair: tuple[DrivenNode, DrivenNode]) -> None:
    ours, _ = pair
    with open_driver(ours.config) as mine:
        for ppm in range(1_001, 1_013):
            assert mine.apply(ours.plan_write(0, fee_rate_ppm=ppm)).is_done
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(ours.channels[0]), type=type(ours.channels[0]))
    gossip = kept.seen_by(ours.pubkey)[0].gossip

    assert gossip is not None
    assert gossip.heard is not None
    assert gossip.heard.fee_rate_ppm == 1_010


@given(pauses_s=st.lists(st.integers(0, 300), min_size=1, max_size=60))
def test_never_more_is_heard_than_a_burst_and_one_a_minute(pauses_s: list[int]) -> None:
    gossip, now_ns, heard = Gossip(heard=None, as_of_ns=0), 0, 0
    for number, pause_s in enumerate(pauses_s):
        now_ns += pause_s * 10**9
        policy = PeerPolicy(
            base_fee_msat=0, fee_rate_ppm=number, time_lock_delta=80, min_htlc_msat=0, max_htlc_msat=1_000
        )
        before, gossip = gossip, listen(gossip, policy, now_ns=now_ns)
        heard += gossip.heard != before.heard

    assert heard <= BURST + now_ns // INTERVAL_NS
    assert heard >= min(len(pauses_s), BURST)
