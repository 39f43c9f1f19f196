"""What a strategy learns in one run is there in the next: sealed, of one box, and gone when it is old."""

import datetime as dt
import json
from pathlib import Path

import msgspec
import pytest

from nodes.engine.cycle import Memories
from nodes.engine.document import FeePolicy, Rule
from nodes.engine.market import MarketSample
from nodes.engine.memory import ClbossMemory, DailyMemory, PidNodeMemory
from nodes.engine.stateful_strategies import ClbossStrategy, DailyStrategy, PidStrategy
from nodes.engine.strategies import ProportionalStrategy
from nodes.graph.models import GraphLoad, GraphNode
from nodes.models.memory import StrategyMemory
from nodes.models.snapshot import Snapshot
from nodes.pipeline.control import store_policy
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.graph import load_graph
from nodes.pipeline.ingest import accept_forwards, accept_snapshot, load_facts
from nodes.pipeline.memory import FORGOTTEN_AFTER, keep_memories
from nodes.pipeline.replay import replay_run
from nodes.selectors.graph import find_markets
from nodes.selectors.memory import load_memories
from tenants.context import enter_tenant, leave_tenant
from tests.factories import TAKEN_AT, Box, make_forward, make_snapshot

SAMPLE = MarketSample(
    capacity_sat=5_000_000, base_fee_msat=1_000, fee_rate_ppm=700, from_pubkey="02" + "7" * 14, from_capacity_sat=10
)


def set_strategy(strategy: ClbossStrategy | DailyStrategy | PidStrategy | ProportionalStrategy) -> None:
    store_policy(FeePolicy(rules=[Rule(name="all", strategy=strategy)]), created_by="test")


def show_market(box: Box) -> str:
    """Somebody else charges 700 ppm towards the first peer, as a loaded graph says."""
    peer = box.channels[0].peer_pubkey
    with leave_tenant():
        GraphLoad.objects.create(sha256="0" * 64, node_count=1, channel_count=1)
        GraphNode.objects.create(
            pubkey=bytes.fromhex(peer),
            channel_count=1,
            capacity_sat=5_000_000,
            betweenness=0.0,
            betweenness_rank=1,
            market=msgspec.msgpack.encode([SAMPLE]),
        )
    return peer


def report_again(box: Box, *, minutes: int) -> None:
    seq = 1 + max(Snapshot.objects.values_list("seq", flat=True))
    accept_snapshot(make_snapshot(seq, box.channels, taken_at=TAKEN_AT + dt.timedelta(minutes=minutes)))


def test_what_is_left_to_chance_hangs_on_a_secret_of_the_box(alice: Box, bob: Box) -> None:
    seeds = []
    for box in (alice, bob, alice):
        with enter_tenant(box.tenant):
            facts = load_facts()
        assert facts is not None
        seeds.append(facts.draw_seed)

    assert len(seeds[0]) == 64
    assert seeds[0] == seeds[2] != seeds[1]


def test_a_run_finds_what_the_last_one_kept(alice: Box) -> None:
    with enter_tenant(alice.tenant):
        peer = show_market(alice)
        set_strategy(ClbossStrategy())
        run_cycle()
        first = load_memories().peers[peer]["clboss"]
        report_again(alice, minutes=11)
        run_cycle()
        second = load_memories().peers[peer]["clboss"]

    assert isinstance(first, ClbossMemory)
    assert isinstance(second, ClbossMemory)
    assert second.deck.played_s == first.deck.played_s + 600
    assert second.fee_rate_ppm == first.fee_rate_ppm


def test_the_market_is_read_where_a_strategy_looks_at_it_and_nowhere_else(alice: Box) -> None:
    with enter_tenant(alice.tenant):
        peer = show_market(alice)
        assert find_markets([peer, "02" + "9" * 64]) == {peer: [SAMPLE]}
        set_strategy(ClbossStrategy())
        asked = load_facts()
        set_strategy(ProportionalStrategy(min_fee_rate_ppm=1, max_fee_rate_ppm=2))
        unasked = load_facts()

    assert asked is not None
    assert unasked is not None
    assert (dict(asked.markets), dict(unasked.markets)) == ({peer: [SAMPLE]}, {})


def test_a_memory_is_of_the_node_a_peer_or_a_channel_and_each_is_one_row(alice: Box) -> None:
    with enter_tenant(alice.tenant):
        set_strategy(PidStrategy(margin_mean_ppm=33))
        run_cycle()
        run_cycle()
        accept_forwards([make_forward(100)], None)
        set_strategy(DailyStrategy())
        run_cycle()
        memories, rows = load_memories(), list(StrategyMemory.objects.all())

    assert memories.node["pid"] == PidNodeMemory(at=TAKEN_AT + dt.timedelta(minutes=1), margin_ppm=33.0)
    assert len(rows) == 1 + len(memories.peers) + len(memories.channels)
    assert all(isinstance(kept["daily"], DailyMemory) for kept in memories.channels.values())
    assert memories.channels


def test_what_nobody_looked_at_for_long_is_forgotten(alice: Box) -> None:
    kept = Memories(channels={"1x1x1": {"daily": DailyMemory(has_forwarded=True)}})
    newer = Memories(channels={"2x2x2": {"daily": DailyMemory(has_forwarded=True)}})

    with enter_tenant(alice.tenant):
        keep_memories(kept, now=TAKEN_AT)
        keep_memories(newer, now=TAKEN_AT + FORGOTTEN_AFTER)
        both = load_memories().channels.keys()
        keep_memories(newer, now=TAKEN_AT + FORGOTTEN_AFTER + dt.timedelta(seconds=1))
        left = load_memories().channels.keys()

    assert (set(both), set(left)) == ({"1x1x1", "2x2x2"}, {"2x2x2"})


@pytest.mark.parametrize("strategy", [ClbossStrategy(), PidStrategy(), DailyStrategy()])
def test_a_run_that_remembered_is_replayed_byte_for_byte(
    alice: Box, strategy: ClbossStrategy | PidStrategy | DailyStrategy
) -> None:
    with enter_tenant(alice.tenant):
        show_market(alice)
        set_strategy(strategy)
        run_cycle()
        report_again(alice, minutes=90)
        run_cycle()
        report = replay_run()

    assert report.differing == []
    assert report.same == len(alice.channels)


def test_another_box_remembers_nothing_of_it(alice: Box, bob: Box) -> None:
    with enter_tenant(alice.tenant):
        keep_memories(Memories(channels={"1x1x1": {"daily": DailyMemory(has_forwarded=True)}}), now=TAKEN_AT)
    with enter_tenant(bob.tenant):
        assert load_memories() == Memories()


def test_a_loaded_graph_says_what_leads_to_a_peer(alice: Box, tmp_path: Path) -> None:
    peer, other = alice.channels[0].peer_pubkey, "02" + "7" * 64
    policy = {"time_lock_delta": 80, "min_htlc": "1", "fee_base_msat": "3", "fee_rate_milli_msat": "70"}
    edge = {"channel_id": "1", "node1_pub": other, "node2_pub": peer, "capacity": "900", "node1_policy": policy}
    file = tmp_path / "graph.json"
    file.write_text(json.dumps({"nodes": [{"pub_key": other}, {"pub_key": peer}], "edges": [edge]}))

    load_graph(file)

    [sample] = find_markets([peer, other])[peer]
    assert (sample.fee_rate_ppm, sample.base_fee_msat, sample.capacity_sat) == (70, 3, 900)
    assert (sample.from_pubkey, sample.from_capacity_sat) == (other[:16], 900)
    assert find_markets([other]) == {}
