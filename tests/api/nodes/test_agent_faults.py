"""The agent beside a node that times out, breaks off, is stale, or dies: nothing is lost, nothing doubled."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nodes.agent.command import main
from nodes.agent.report import Reporter
from nodes.simulator.faults.plan import Fault as Failure
from nodes.simulator.network import build_world
from nodes.simulator.small_network import generate_network
from nodes.simulator.world import World, save_world
from nodes.sources.driver.errors import NodeError
from tests.fakes.cloud import CLAIM_CODE, FakeCloud
from tests.fakes.driven_node import DrivenNode, serve_driven
from tests.fakes.simulated_fleet import serve_fleet

NOW_S = 1_760_000_000


@pytest.fixture(scope="module")
def made_world() -> bytes:
    graph = generate_network(seed=7, now_s=NOW_S)
    world = build_world(graph, 1, origin="test", now_s=NOW_S, seed=7, has_own_keys=True)
    return msgspec.msgpack.encode(world)


@dataclass
class Station:
    """A claimed home between a node and a cloud."""

    node: DrivenNode
    cloud: FakeCloud
    reporter: Reporter

    def list_sent(self) -> list[Any]:
        return [event["out_msat"] for event in self.cloud.forwards.values()]

    def list_settled(self) -> list[int]:
        return [record.out_msat for record in self.node.world.fleet[0].history if record.status == "settled"]


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as started:
        yield started


@pytest.fixture
def station(made_world: bytes, cloud: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Station]:
    monkeypatch.setattr("nodes.sources.driver.config.READ_TIMEOUT_S", 0.5)
    monkeypatch.setattr("nodes.sources.lnd.forward.PAGE_EVENTS", 50)
    world = msgspec.msgpack.decode(made_world, type=World)
    with serve_driven(world, world.fleet[0].pubkey, tmp_path) as node:
        reporter = claim(tmp_path / "box", cloud, url=node.url, folder=node.home.folder)
        yield Station(node, cloud, reporter)
        reporter.close()


def claim(home: Path, cloud: FakeCloud, *, url: str, folder: Path) -> Reporter:
    files = ["--macaroon", str(folder / "admin.macaroon"), "--tls-cert", str(folder / "tls.cert")]
    address = ["--cloud", cloud.url, "--claim", CLAIM_CODE, "--lnd", url]
    assert main(["claim", "--home", str(home), *address, *files]) == 0
    return Reporter(home)


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (Failure(kind="timeout", path="/v1/channels", times=3), "did not answer within 0.5 s"),
        (Failure(kind="error", path="/v1/graph", times=3), "answered 503: without a reason"),
        (Failure(kind="cut", path="/v1/getinfo", times=3), "broke off the exchange"),
        (Failure(kind="timeout", path="/v1/switch", skip=1, times=3), "did not answer within 0.5 s"),
        (Failure(kind="cut", path="/v1/switch", skip=2, times=3), "broke off the exchange"),
        (
            Failure(
                kind="error", path="/v1/switch", status=500, answer={"code": 2, "message": "wallet locked"}, times=1
            ),
            "answered 500: wallet locked",
        ),
    ],
)
def test_a_failed_report_is_named_and_the_next_one_makes_up_for_it(
    station: Station, failure: Failure, says: str
) -> None:
    station.node.fail(failure)
    with pytest.raises(NodeError, match="LND at") as caught:
        station.reporter.report()
    assert says in str(caught.value)
    assert station.cloud.snapshots == []

    station.reporter.report()
    assert station.list_sent() == station.list_settled()
    assert len(station.cloud.snapshots) == 1


@pytest.mark.parametrize("kind", ["timeout", "error", "lost", "cut"])
def test_a_failure_that_passes_costs_nothing(station: Station, kind: Any) -> None:
    station.node.fail(*(Failure(kind=kind, path=f"/v1/{name}", times=1) for name in ("getinfo", "channels", "switch")))

    station.reporter.report()
    assert station.list_sent() == station.list_settled()


def test_a_stale_history_loses_and_doubles_nothing(station: Station) -> None:
    history = station.node.world.fleet[0].history
    station.node.world.fleet[0].history = history[: len(history) // 2]
    station.reporter.report()
    station.node.world.fleet[0].history = history
    station.node.fail(Failure(kind="stale", path="/v1/switch", age_s=3_600, times=1))

    station.reporter.report()
    station.reporter.report()
    assert station.list_sent() == station.list_settled()


@pytest.mark.parametrize("kind", ["die-before", "die-after"])
@pytest.mark.parametrize("path", ["/v1/getinfo", "/v1/channels", "/v1/switch"])
def test_a_node_that_dies_during_a_report_is_reported_when_it_is_back(
    made_world: bytes, cloud: FakeCloud, tmp_path: Path, *, kind: Any, path: str
) -> None:
    """A process of its own; its world is kept on disk, and more happens in it while it is away."""
    save_world(msgspec.msgpack.decode(made_world, type=World), tmp_path / "world")

    def serve() -> Any:
        return serve_fleet(tmp_path / "world", tmp_path / "home", tmp_path / "ready.json", "--faults")

    with serve() as fleet:
        folder = Path(fleet.ready[0]["tls_cert"]).parent
        reporter = claim(tmp_path / "box", cloud, url=fleet.ready[0]["url"], folder=folder)
        reporter.report()
        (folder / "faults.json").write_bytes(msgspec.json.encode([Failure(kind=kind, path=path)]))
        with pytest.raises(NodeError, match=r"broke off|not reachable"):
            reporter.report()
        assert fleet.process.wait(60) == -9
        (folder / "faults.json").unlink()

    with serve() as fleet, fleet.open_client(0) as client:
        reporter.report()
        history = client.post("/v1/switch", json={"num_max_events": 50_000}).json()["forwarding_events"]
        reporter.report()
        assert fleet.stop() == 0
    reporter.close()
    sent = [event["out_msat"] for event in cloud.forwards.values()]
    assert sent[: len(history)] == [int(event["amt_out_msat"]) for event in history]
    assert [snapshot["seq"] for snapshot in cloud.snapshots] == sorted({row["seq"] for row in cloud.snapshots})
