"""All about a node in one answer: what is known, null where nothing is, kept until something changes."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from nodes.pipeline.graph import load_graph
from nodes.pipeline.ingest import accept_forwards, accept_snapshot
from nodes.simulator.small_network import generate_network
from nodes.sources.describegraph.graph import Graph, GraphChannel, GraphNode, GraphPolicy
from nodes.sources.describegraph.writer import write_graph
from recommendations.engine.info import NodeInfoAnswer
from tenants.context import enter_tenant
from tests.conftest import ApiClient
from tests.factories import TAKEN_AT, Box, make_channel, make_forward, make_snapshot, pubkey_of

pytestmark = pytest.mark.django_db
POLICY = GraphPolicy(time_lock_delta=80, base_fee_msat=0, fee_rate_ppm=200)


def read(api: ApiClient, box: Box, query: str = "") -> NodeInfoAnswer:
    answer = api.get(box.path(f"info{query}"), token=api.token_of(box))
    assert answer.status == 200, answer.json
    return msgspec.json.decode(answer.raw, type=NodeInfoAnswer)


def put_into_graph(folder: Path, box: Box) -> None:
    """Beside the peers of its two channels, in a network of 120 others."""
    made = generate_network(seed=7, now_s=1_760_000_000)
    peers = [made.nodes[0].pubkey, pubkey_of("peer 1"), pubkey_of("peer 2")]
    own = [
        GraphChannel(channel_id=number, node1=box.pubkey, node2=peer, capacity_sat=5_000_000, policy1=POLICY)
        for number, peer in enumerate(peers)
    ]
    nodes = [*made.nodes, GraphNode(pubkey=box.pubkey, alias="alice", color="#3399ff", features=(9, 17))]
    path = folder / "graph.json"
    write_graph(Graph(nodes=nodes, channels=[*made.channels, *own]), path)
    load_graph(path)


def test_the_answer_holds_what_was_reported_and_where_the_node_stands(
    api: ApiClient, alice: Box, tmp_path: Path
) -> None:
    put_into_graph(tmp_path, alice)

    info = read(api, alice)

    assert (info.pubkey, info.source, info.degraded) == (alice.pubkey, "snapshot+graph", [])
    assert (info.node_info.color, info.node_info.implementation) == ("#3399ff", "lnd")
    assert [feature.bit for feature in info.node_info.features or []] == [9, 17]
    assert (info.metrics.total_channels, info.metrics.total_capacity) == (2, 10_000_000)
    assert [one.peer_alias for one in info.channels or []] == ["alice peer", "peer 2"]
    assert info.network_position is not None
    assert info.network_position.node_count == 123
    assert 0 < info.network_position.closeness < 1


def test_what_is_not_known_is_null(api: ApiClient, charlie: Box) -> None:
    info = read(api, charlie, "?include_historical=true")

    assert (info.source, info.degraded, info.channels, info.historical) == ("none", ["graph"], None, [])
    assert info.network_position is None
    assert set(msgspec.structs.asdict(info.metrics).values()) == {None}
    assert info.as_of is None


def test_income_of_a_day_is_summed_in_msat_where_the_whole_day_is_known(api: ApiClient, charlie: Box) -> None:
    early = make_forward(1, settled_at=TAKEN_AT - dt.timedelta(days=3))
    late = [make_forward(number, settled_at=TAKEN_AT - dt.timedelta(hours=number)) for number in (2, 3)]
    failed = make_forward(4, settled_at=TAKEN_AT, status="failed")
    with enter_tenant(charlie.tenant):
        accept_forwards([early, *late, failed], "4")
        accept_snapshot(make_snapshot(1, [make_channel(1)]))

    metrics = read(api, charlie).metrics

    assert metrics.days_observed == pytest.approx(3, abs=0.01)
    assert (metrics.forwards_24h, metrics.forwards_7d) == (2, 3)
    assert metrics.routing_revenue_24h_msat == 2 * early.fee_msat
    assert metrics.routing_revenue_24h == 2 * early.fee_msat // 1000


def test_days_gone_by_are_told_one_by_one(api: ApiClient, charlie: Box) -> None:
    with enter_tenant(charlie.tenant):
        accept_forwards([make_forward(1, settled_at=TAKEN_AT - dt.timedelta(days=3))], "1")
        for number in range(3):
            at = TAKEN_AT - dt.timedelta(days=2 - number)
            for hour in range(2):
                channels = [make_channel(one) for one in range(1, number + hour + 2)]
                accept_snapshot(make_snapshot(number * 2 + hour, channels, taken_at=at + dt.timedelta(hours=hour)))

    days = read(api, charlie, "?include_historical=true").historical or []

    assert len(days) == 30
    assert [one.channels for one in days[-4:]] == [None, 2, 3, 4]
    assert [one.forwards for one in days[-4:]] == [None, 0, 0, 0]  # the first day is known in part only


def test_a_second_reader_gets_the_kept_answer_until_a_report_comes_in(api: ApiClient, alice: Box) -> None:
    first, second = read(api, alice), read(api, alice)
    with enter_tenant(alice.tenant):
        accept_snapshot(make_snapshot(2, alice.channels[:1]))
    third = read(api, alice)

    assert [one.cache_hit for one in (first, second, third)] == [False, True, False]
    assert first.timestamp == second.timestamp < third.timestamp
    assert third.metrics.total_channels == 1
    assert not read(api, alice, "?use_cache=false").cache_hit


def test_the_tag_is_of_what_is_told(api: ApiClient, alice: Box) -> None:
    token, path = api.token_of(alice), alice.path("info")
    first, anew = api.get(path, token=token), api.get(f"{path}?use_cache=false", token=token)

    again = api.get(path, token=token, **{"If-None-Match": first.headers["ETag"]})

    assert first.headers["ETag"] == anew.headers["ETag"]
    assert (again.status, again.raw) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


def test_bob_cannot_read_it(api: ApiClient, alice: Box, bob: Box) -> None:
    read(api, alice)

    assert api.get(alice.path("info"), token=api.token_of(bob)).status == 404
    assert read(api, bob).pubkey == bob.pubkey


@pytest.mark.parametrize("query", ["use_cache=no", "include_historical=1"])
def test_a_flag_that_is_none_is_refused(api: ApiClient, alice: Box, query: str) -> None:
    assert api.get(alice.path(f"info?{query}"), token=api.token_of(alice)).status == 400


def test_a_kept_answer_costs_three_queries_and_a_new_one_at_most_ten(
    api: ApiClient, alice: Box, tmp_path: Path
) -> None:
    put_into_graph(tmp_path, alice)
    token = api.token_of(alice)

    assert count_queries(lambda: api.get(alice.path("info?use_cache=false"), token=token)) <= 10
    assert count_queries(lambda: api.get(alice.path("info"), token=token)) <= 3  # what changed, the graph, the keys


def count_queries(ask: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert ask().status == 200
    return len(captured)
