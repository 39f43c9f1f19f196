"""Whom a node might open a channel to: worked out when the graph or its peers have changed."""

from pathlib import Path

import pytest
from django.core.management import call_command

from nodes.models.candidate import CandidateList
from nodes.pipeline.candidate import find_candidates, measure_candidates
from nodes.pipeline.candidate_turn import queue_candidates
from nodes.pipeline.graph import load_graph
from nodes.pipeline.graph_refresh import offer_graph
from nodes.pipeline.ingest import accept_snapshot
from nodes.selectors.candidate import is_stale, list_candidates
from nodes.simulator.small_network import generate_network
from nodes.sources.describegraph.writer import write_graph
from nodes.tasks import list_candidates as candidates_task
from nodes.tasks import measure_gains, refresh_graph
from tenants.context import enter_tenant
from tenants.models.job import Job
from tenants.sealing.tenant import read_revision
from tests.factories import Box, make_channel, make_snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def busiest(tmp_path: Path) -> list[str]:
    """Nodes of a loaded network of 120, those with most channels first."""
    graph = generate_network(seed=7, now_s=1_760_000_000)
    write_graph(graph, tmp_path / "graph.json")
    load_graph(tmp_path / "graph.json")
    ends = [end for channel in graph.channels for end in (channel.node1, channel.node2)]
    return sorted(set(ends), key=ends.count, reverse=True)


def report(box: Box, seq: int, *, peers: list[str]) -> None:
    with enter_tenant(box.tenant):
        channels = [make_channel(number, peer_pubkey=peer) for number, peer in enumerate(peers, start=1)]
        accept_snapshot(make_snapshot(seq, channels))


def test_the_best_come_first_and_peers_never(charlie: Box, busiest: list[str]) -> None:
    report(charlie, 1, peers=busiest[:2])

    with enter_tenant(charlie.tenant):
        find_candidates()
        found = list_candidates(10)

    assert len(found) == 10
    assert not {one.pubkey for one in found} & {*busiest[:2], charlie.pubkey}
    gains = [one.gain_closeness for one in found]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] > 0
    assert all(one.alias and one.median_channel_sat and one.node_count == 120 for one in found)
    assert {one.gain_betweenness for one in found} == {None}


def test_the_very_best_get_their_gain_in_betweenness_later(charlie: Box, busiest: list[str]) -> None:
    report(charlie, 1, peers=busiest[:2])

    with enter_tenant(charlie.tenant):
        find_candidates()
        assert [measure_candidates(), measure_candidates()] == [3, 0]
        gains = [one.gain_betweenness for one in list_candidates(5)]

    assert gains[3:] == [None, None]
    assert all(gain is not None and 0 <= gain <= 1 for gain in gains[:3])


def test_without_a_graph_there_are_none(charlie: Box) -> None:
    report(charlie, 1, peers=[])

    with enter_tenant(charlie.tenant):
        assert (is_stale(), find_candidates(), list_candidates(10)) == (False, None, [])


def test_a_node_without_channels_is_offered_some(charlie: Box, busiest: list[str]) -> None:
    with enter_tenant(charlie.tenant):
        find_candidates()
        [best] = list_candidates(1)

    assert best.gain_closeness > 0


def test_they_are_worked_out_once_for_the_same_graph_and_peers(charlie: Box, busiest: list[str]) -> None:
    report(charlie, 1, peers=busiest[:1])

    with enter_tenant(charlie.tenant):
        queue_candidates()
        queue_candidates()
        candidates_task.run()
        queue_candidates()
        assert not is_stale()

    jobs = Job.objects.filter(dazbox_id=charlie.dazbox.id).values_list("task", flat=True)
    assert [jobs.filter(task=task.name).count() for task in (candidates_task, measure_gains)] == [1, 1]


def test_another_peer_or_graph_makes_them_stale(charlie: Box, busiest: list[str]) -> None:
    report(charlie, 1, peers=busiest[:1])
    with enter_tenant(charlie.tenant):
        find_candidates()
        best = list_candidates(1)[0].pubkey

    report(charlie, 2, peers=[busiest[0], best])

    with enter_tenant(charlie.tenant):
        assert is_stale()
        assert best not in [one.pubkey for one in list_candidates(50)]
        find_candidates()
        assert not is_stale()
        CandidateList.objects.update(load_id=0)
        assert is_stale()


def test_a_new_graph_asks_for_new_candidates_of_every_box_at_once(
    alice: Box, charlie: Box, busiest: list[str], tmp_path: Path
) -> None:
    """Not at its next cycle: until then its advice would stand on the graph before."""
    report(charlie, 1, peers=busiest[:1])
    with enter_tenant(charlie.tenant):
        candidates_task.run()
        before, named = list_candidates(50), read_revision()
    asked = Job.objects.filter(task=candidates_task.name)
    refresh_graph()
    assert not asked.exists()  # nothing new

    write_graph(generate_network(seed=8, now_s=1_760_000_000), tmp_path / "next.json")
    offer_graph((tmp_path / "next.json").read_bytes(), actor="olga")
    refresh_graph()

    assert set(asked.values_list("dazbox_id", flat=True)) >= {alice.dazbox.id, charlie.dazbox.id}
    with enter_tenant(charlie.tenant):
        candidates_task.run()
        assert list_candidates(50) != before
        assert read_revision() != named  # what was answered before is not answered again


def test_the_command_asks_for_new_candidates_too(charlie: Box, busiest: list[str], tmp_path: Path) -> None:
    file = tmp_path / "next.json"
    write_graph(generate_network(seed=8, now_s=1_760_000_000), file)

    call_command("load_graph", str(file))
    call_command("load_graph", str(file))  # the same again

    assert Job.objects.filter(dazbox_id=charlie.dazbox.id, task=candidates_task.name).count() == 1
