"""A new graph: from an operator's file, or from the LND the settings name; what cannot be had leaves the old one."""

import datetime as dt
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.utils import timezone
from pydantic import SecretStr

from nodes.engine.report import MAX_SAT
from nodes.graph.models import GraphLoad, GraphUpload
from nodes.pipeline import graph
from nodes.pipeline.graph_refresh import LOST_AFTER, load_waiting, offer_graph, refresh_from_lnd
from nodes.simulator.small_network import generate_network
from nodes.sources.describegraph.writer import write_graph
from tests.fakes.lnd_rest import MACAROON, FakeLnd

pytestmark = pytest.mark.django_db


@pytest.fixture
def graph_file(tmp_path: Path) -> bytes:
    write_graph(generate_network(seed=7, now_s=1_760_000_000), tmp_path / "graph.json")
    return (tmp_path / "graph.json").read_bytes()


@pytest.fixture
def lnd(tmp_path: Path, graph_file: bytes, settings: Any) -> Iterator[FakeLnd]:
    with FakeLnd(tmp_path) as served:
        served.graph = graph_file
        change = {
            "graph_lnd_url": served.url,
            "graph_lnd_macaroon": SecretStr(MACAROON.hex()),
            "graph_lnd_certificate": served.cert_path,
            "trusted_nodes": [("127.0.0.1", served.port)],
        }
        settings.ENV = settings.ENV.model_copy(update=change)
        yield served


def test_a_file_that_was_sent_is_loaded_and_its_content_forgotten(graph_file: bytes) -> None:
    upload = offer_graph(lzma.compress(graph_file), actor="olga")

    load_waiting()
    upload.refresh_from_db()

    assert (upload.state, bytes(upload.content)) == ("loaded", b"")
    assert (GraphLoad.objects.get().node_count, GraphLoad.objects.get().source) == (120, "file of olga")


def test_a_file_that_is_none_is_refused_with_the_reason() -> None:
    upload = offer_graph(b"nothing of the kind", actor="olga")

    load_waiting()
    upload.refresh_from_db()

    assert (upload.state, bytes(upload.content)) == ("refused", b"")
    assert "describegraph" in upload.refused_because
    assert "/tmp" not in upload.refused_because
    assert not GraphLoad.objects.exists()


def test_channels_that_hold_more_than_all_bitcoin_are_refused(graph_file: bytes) -> None:
    whole = msgspec.json.decode(graph_file)
    for channel in whole["edges"]:
        channel["capacity"] = str(MAX_SAT)
    upload = offer_graph(msgspec.json.encode(whole), actor="olga")

    load_waiting()
    upload.refresh_from_db()

    assert (upload.state, bytes(upload.content)) == ("refused", b"")
    assert "more bitcoin than there are" in upload.refused_because


def test_a_load_that_fails_by_a_fault_of_ours_is_told_and_its_content_forgotten(
    graph_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "BATCH", "none")  # whatever it is
    upload = offer_graph(graph_file, actor="olga")

    load_waiting()
    upload.refresh_from_db()

    assert (upload.state, bytes(upload.content)) == ("refused", b"")
    assert upload.refused_because.startswith("It could not be loaded (ValueError)")


def test_half_a_graph_is_refused_unless_it_is_meant(graph_file: bytes, tmp_path: Path) -> None:
    whole = msgspec.json.decode(graph_file)
    half = tmp_path / "half.json"
    half.write_bytes(msgspec.json.encode(whole | {"edges": whole["edges"][: len(whole["edges"]) // 2 - 1]}))
    offer_graph(graph_file, actor="olga")
    load_waiting()
    upload = offer_graph(half.read_bytes(), actor="olga")

    load_waiting()
    upload.refresh_from_db()

    assert (upload.state, GraphLoad.objects.count()) == ("refused", 1)
    assert "--force" in upload.refused_because
    assert graph.load_graph(half, force=True).channel_count == len(whole["edges"]) // 2 - 1


def test_the_newest_file_counts_and_one_whose_worker_died_is_given_up(graph_file: bytes) -> None:
    lost, older, newest = (offer_graph(graph_file, actor=name) for name in ("ann", "ben", "cleo"))
    GraphUpload.objects.filter(id=lost.id).update(state="loading", began_at=timezone.now() - 2 * LOST_AFTER)

    load_waiting()

    states = dict(GraphUpload.objects.values_list("id", "state"))
    assert states == {lost.id: "refused", older.id: "refused", newest.id: "loaded"}


def test_an_lnd_is_asked_when_the_graph_is_old_and_not_before(lnd: FakeLnd) -> None:
    now = timezone.now()

    first, soon = refresh_from_lnd(now), refresh_from_lnd(now + dt.timedelta(hours=23))
    refresh_from_lnd(now + dt.timedelta(hours=25))

    assert first is not None
    assert (first.source, first.node_count, soon) == ("lnd", 120, None)
    assert [call.path for call in lnd.calls] == ["/v1/graph", "/v1/graph"]
    assert GraphLoad.objects.count() == 1  # it was the same graph


@pytest.mark.parametrize("graph", [b"{}", b'{"nodes": [', b"no JSON"], ids=["empty", "cut off", "no JSON"])
def test_a_graph_that_is_none_leaves_the_old_one(lnd: FakeLnd, graph: bytes) -> None:
    refresh_from_lnd(timezone.now())
    lnd.graph = graph

    assert refresh_from_lnd(timezone.now() + dt.timedelta(days=2)) is None
    assert GraphLoad.objects.count() == 1


def test_an_lnd_that_refuses_us_or_lies_within_our_own_network_is_not_read(lnd: FakeLnd, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"graph_lnd_macaroon": SecretStr("ab" * 20)})
    assert refresh_from_lnd(timezone.now()) is None
    asked = len(lnd.calls)

    settings.ENV = settings.ENV.model_copy(update={"trusted_nodes": []})

    assert refresh_from_lnd(timezone.now()) is None
    assert (len(lnd.calls), asked) == (1, 1)
