"""A loaded graph: where everybody stands, with ties, and what strangers wrote into it made harmless."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from nodes.engine.topology import unpack_hops, unpack_topology
from nodes.graph.models import GraphLoad, GraphNode, GraphTopology
from nodes.pipeline.graph import load_graph
from nodes.selectors.position import find_public_nodes, newest_load
from nodes.sources.describegraph.reader import GraphFileError
from tests.factories import pubkey_of

pytestmark = pytest.mark.django_db
HUB, LEAVES = pubkey_of("hub"), [pubkey_of(f"leaf {number}") for number in range(4)]
POLICY = {"time_lock_delta": 80, "min_htlc": "1", "fee_base_msat": "0", "fee_rate_milli_msat": "200", "disabled": False}


def write_star(path: Path, **node: Any) -> Path:
    """A hub with four leaves, packed as strangers send it."""
    named = {"pub_key": HUB, "alias": "Hub", "color": "#3399FF", "features": {"17": {}}, "last_update": 1_700_000_000}
    edges = [
        {
            "channel_id": str(number), "node1_pub": HUB, "node2_pub": leaf, "capacity": str(1_000_000 * (number + 1)),
            "node1_policy": POLICY, "node2_policy": POLICY,
        }
        for number, leaf in enumerate(LEAVES)
    ]  # fmt: skip
    path.write_bytes(gzip.compress(json.dumps({"nodes": [named | node], "edges": edges}).encode()))
    return path


def test_everybody_has_a_place_and_equals_share_it(tmp_path: Path) -> None:
    load = load_graph(write_star(tmp_path / "graph"))

    known = find_public_nodes([HUB, *LEAVES, pubkey_of("stranger")], newest_load())

    assert set(known) == {HUB, *LEAVES}
    hub = known[HUB]
    assert (hub.alias, hub.color, hub.channel_count, hub.capacity_sat) == ("Hub", "#3399FF", 4, 10_000_000)
    assert (hub.median_channel_sat, hub.market_fee_rate_ppm) == (2_000_000, 200)
    assert [(one.bit, one.name, one.is_required) for one in hub.features] == [(17, "basic_mpp", False)]
    assert (hub.position.betweenness, hub.position.closeness) == (1.0, 1.0)
    assert (hub.position.node_count, hub.position.graph_loaded_at) == (5, load.loaded_at)
    for leaf in LEAVES:
        place = known[leaf].position
        assert (place.betweenness_rank, place.closeness_rank, place.channels_rank) == (2, 2, 2)
        assert place.closeness == pytest.approx(4 / 7)
    assert [known[leaf].position.capacity_rank for leaf in LEAVES] == [5, 4, 3, 2]


def test_the_drawing_is_kept_with_the_distances_of_those_who_may_be_proposed(tmp_path: Path) -> None:
    load_graph(write_star(tmp_path / "graph"))

    row = GraphTopology.objects.get()
    topology = unpack_topology(bytes(row.pubkeys), bytes(row.pairs))
    hops = unpack_hops(bytes(row.hops), node_count=5)

    assert len(topology.pairs) == 4
    assert hops.shape == (5, 5)
    assert sorted(hops[0].tolist()) == [0, 1, 1, 1, 1]  # of the hub, the best of all


def test_what_a_stranger_calls_itself_can_do_no_harm(tmp_path: Path) -> None:
    load_graph(write_star(tmp_path / "graph", alias="a\u202eb\n\x1b[2J" + "x" * 90, color="<b>", last_update=-5))

    row = GraphNode.objects.get(pubkey=bytes.fromhex(HUB))

    assert row.alias.isprintable()
    assert len(row.alias) <= 32
    assert (row.color, row.announced_at) == ("", None)


def test_a_file_that_is_none_leaves_the_graph_as_it_was(tmp_path: Path) -> None:
    load_graph(write_star(tmp_path / "graph"))
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x1f\x8b nothing")

    with pytest.raises(GraphFileError, match="damaged"):
        load_graph(broken)

    assert (GraphLoad.objects.count(), GraphNode.objects.count()) == (1, 5)
