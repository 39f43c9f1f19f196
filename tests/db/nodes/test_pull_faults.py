"""A node that fails, lies, dies or dawdles costs the cloud a word on its line and no more."""

import datetime as dt
import logging
import socket
import threading
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.utils import timezone

from mcp_saas.celery import app
from mcp_saas.kit.deadline import DeadlineBackend
from nodes.engine.credential import Service
from nodes.models.decision import CycleRun
from nodes.models.forward import ForwardDay
from nodes.models.node import OwnNode
from nodes.models.snapshot import Snapshot
from nodes.pipeline.connect import WITHIN_S
from nodes.pipeline.credential import set_credential
from nodes.pipeline.pull import READ_WITHIN_S, pull_node
from nodes.selectors.node import read_own_node
from nodes.simulator.faults.plan import Fault as Failure
from nodes.simulator.world import World
from nodes.sources.driver.retry import Patience
from nodes.tasks import run_node_cycle
from tenants.context import enter_tenant
from tests.db.nodes.pulling import Cloud, run_claim
from tests.factories import Box, make_offer
from tests.fakes.simulated_fleet import serve_fleet


@pytest.mark.parametrize(
    ("failure", "fault", "says"),
    [
        (Failure(kind="timeout", path="/v1/channels"), "timeout", "did not answer within"),
        (Failure(kind="error", path="/v1/channels"), "unavailable", "answered 503"),
        (Failure(kind="cut", path="/v1/graph"), "broken", "broke off the exchange"),
        (
            Failure(kind="error", path="/v1", status=500, answer={"code": 2, "message": "wallet locked, unlock it"}),
            "locked",
            "wallet locked",
        ),
        (
            Failure(kind="error", path="/v1", status=500, answer={"code": 2, "message": "permission denied"}),
            "forbidden",
            "refuses the macaroon",
        ),
        (Failure(kind="error", path="/v1/channels", status=200, answer={"channels": [{}]}), "garbled", "`"),
    ],
)
def test_a_failure_is_a_word_on_the_node_and_passes(cloud: Cloud, failure: Failure, fault: str, says: str) -> None:
    cloud.node.fail(failure)
    assert not cloud.pull()
    line = cloud.line()
    assert (line.fault, line.failures) == (fault, 1)
    assert says in str(line.words)
    assert line.retry_at is not None
    assert line.retry_at > timezone.now()

    cloud.node.fail()
    cloud.let_time_pass()
    assert cloud.pull()
    assert cloud.line().fault is None
    assert [text[:23] for text in cloud.journal()] == ["The node cannot be read", "The node can be read ag"]


def test_a_node_that_stays_away_is_asked_seldom_and_told_of_once(cloud: Cloud) -> None:
    cloud.node.fail(Failure(kind="error", path="/v1/getinfo"))
    waits = []
    for _ in range(12):
        assert not cloud.pull()
        calls = len(cloud.node.calls)
        assert not cloud.pull()  # the breaker is open: nothing is sent
        assert len(cloud.node.calls) == calls
        retry_at = cloud.line().retry_at
        assert retry_at is not None
        waits.append(retry_at - timezone.now())
        cloud.let_time_pass()

    assert cloud.line().failures == 12
    assert dt.timedelta(seconds=50) < waits[0] < dt.timedelta(minutes=2)
    assert dt.timedelta(hours=2.9) < waits[-1] < dt.timedelta(hours=6)
    assert len(cloud.journal()) == 1


def test_forwards_that_came_before_a_failure_stay_and_the_rest_follows(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodes.sources.lnd.forward.PAGE_EVENTS", 40)
    settled = sum(record.status == "settled" for record in cloud.node.world.fleet[0].history)
    cloud.node.fail(Failure(kind="error", path="/v1/switch", skip=1))
    assert not cloud.pull()
    assert cloud.count_forwards() == (40, 40)

    cloud.node.fail()
    cloud.let_time_pass()
    assert cloud.pull()
    assert cloud.count_forwards() == (settled, settled)


def test_another_node_at_the_address_is_not_taken_for_the_boxs(cloud: Cloud) -> None:
    info = {"identity_pubkey": "02" + "e" * 64, "alias": "other", "version": "1", "block_height": 1}
    cloud.node.fail(Failure(kind="error", path="/v1/getinfo", status=200, answer=info))

    assert not cloud.pull()
    assert cloud.line().fault == "wrong-node"
    with enter_tenant(cloud.box.tenant):
        assert not Snapshot.objects.exists()


def test_an_address_inside_is_not_connected_to(cloud: Cloud, settings: Any) -> None:
    """It was trusted when it was set, and is not any more; nor is one whose name leads inside since."""
    settings.ENV = settings.ENV.model_copy(update={"trusted_nodes": []})

    assert not cloud.pull()
    assert cloud.line().fault == "setting"
    assert "none we connect to" in str(cloud.line().words)
    assert cloud.node.calls == []


def test_the_macaroon_is_in_no_log_and_no_journal(cloud: Cloud, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    caplog.set_level(logging.DEBUG)
    for failure in (Failure(kind="cut", path="/v1/getinfo"), Failure(kind="timeout", path="/v1/channels")):
        cloud.node.fail(failure)
        cloud.pull()
        cloud.let_time_pass()
    printed = "".join(capfd.readouterr())

    assert len(cloud.journal()) == 2
    for said in (caplog.text, printed, str(cloud.journal()), str(cloud.line())):
        assert cloud.node.config.secret not in said
    assert cloud.node.url not in f"{cloud.journal()} {cloud.line()}"


def test_a_node_that_is_away_costs_the_cycle_nothing(cloud: Cloud) -> None:
    """It decides by the last snapshot, and no error of ours is raised or parked."""
    run_claim(cloud)
    cloud.let_time_pass()
    cloud.node.fail(Failure(kind="error", path="/v1"))
    row = run_claim(cloud)

    assert (row.is_slow, row.last_error) == (False, "")
    assert cloud.line().failures == 1
    with enter_tenant(cloud.box.tenant):
        assert CycleRun.objects.count() == 2


def test_a_node_that_is_slow_to_answer_takes_its_turns_in_the_slow_lane(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodes.pipeline.schedule.SLOW_AFTER", dt.timedelta(seconds=1))
    cloud.node.fail(Failure(kind="timeout", path="/v1/getinfo"))

    assert run_claim(cloud).is_slow


@pytest.mark.parametrize("kind", ["lost", "cut", "error", "timeout"])
def test_a_failure_that_passes_costs_the_cloud_nothing(cloud: Cloud, kind: Any) -> None:
    settled = sum(record.status == "settled" for record in cloud.node.world.fleet[0].history)
    cloud.node.fail(*(Failure(kind=kind, path=f"/v1/{name}", times=1) for name in ("getinfo", "channels", "switch")))

    assert cloud.pull()
    assert cloud.line().fault is None
    assert cloud.count_forwards() == (settled, settled)


def test_a_stale_history_loses_and_doubles_nothing(cloud: Cloud) -> None:
    history = cloud.node.world.fleet[0].history
    settled = sum(record.status == "settled" for record in history)
    cloud.node.world.fleet[0].history = history[: len(history) // 2]
    assert cloud.pull()
    cloud.node.world.fleet[0].history = history
    cloud.node.fail(Failure(kind="stale", path="/v1/switch", age_s=3_600, times=1))
    for _ in range(2):
        cloud.let_time_pass()
        assert cloud.pull()

    assert cloud.count_forwards() == (settled, settled)


@pytest.mark.parametrize("kind", ["die-before", "die-after"])
@pytest.mark.parametrize("path", ["/v1/getinfo", "/v1/graph", "/v1/switch"])
def test_a_node_that_dies_during_a_pull_is_read_when_it_is_back(
    charlie: Box, made_world: bytes, tmp_path: Path, settings: Any, kind: Any, path: str
) -> None:
    """A process of its own, gone as by `kill -9`; its world is kept on disk."""
    given = msgspec.msgpack.decode(made_world, type=World).fleet[0].pubkey
    (tmp_path / "world").write_bytes(made_world.replace(given.encode(), charlie.pubkey.encode()))

    def serve() -> Any:
        return serve_fleet(tmp_path / "world", tmp_path / "home", tmp_path / "ready.json", "--faults")

    with serve() as fleet:
        [ready] = fleet.ready
        port, folder = int(ready["url"].rpartition(":")[2]), Path(ready["tls_cert"]).parent
        settings.ENV = settings.ENV.model_copy(update={"trusted_nodes": [("127.0.0.1", port)]})
        secret, certificate = Path(ready["macaroon"]).read_bytes().hex(), Path(ready["tls_cert"]).read_text()
        with enter_tenant(charlie.tenant):
            set_credential(Service.LND, make_offer(secret, url=ready["url"], tls_certificate=certificate), actor="test")
            (folder / "faults.json").write_bytes(msgspec.json.encode([Failure(kind=kind, path=path)]))
            assert not pull_node()
            assert fleet.process.wait(60) == -9
            line = read_own_node().connection
    assert line is not None
    assert line.fault in {"broken", "unreachable"}

    (folder / "faults.json").unlink()
    with serve() as fleet, fleet.open_client(0) as client, enter_tenant(charlie.tenant):
        row = OwnNode.objects.get()
        row.connection = msgspec.structs.replace(line, retry_at=timezone.now())
        row.save()
        history = client.post("/v1/switch", json={"num_max_events": 50_000}).json()["forwarding_events"]
        assert pull_node()
        ids = [forward.id for day in ForwardDay.objects.all() for forward in day.forwards]
        assert len(ids) == len(set(ids)) >= len(history) > 100
        assert Snapshot.objects.count() == 1
        assert fleet.stop() == 0


def drip(server: socket.socket, stop: threading.Event) -> None:
    """An answer that never ends, one byte at a time."""
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not stop.wait(0.05):
            try:
                connection.sendall(b"a")
            except OSError:
                return


def test_a_server_that_sends_byte_after_byte_does_not_keep_the_worker(
    charlie: Box, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodes.pipeline.pull.READ_WITHIN_S", 0.4)
    monkeypatch.setattr("nodes.pipeline.connect.PATIENCE", Patience(attempts=1))
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        settings.ENV = settings.ENV.model_copy(update={"trusted_nodes": [("127.0.0.1", port)]})
        thread = threading.Thread(target=drip, args=(server, stop))
        thread.start()
        with enter_tenant(charlie.tenant):
            set_credential(Service.LND, make_offer("00" * 20, url=f"http://127.0.0.1:{port}"), actor="test")
            assert not pull_node()
            line = read_own_node().connection
        stop.set()
        thread.join()

    assert line is not None
    assert line.fault == "timeout"


def test_a_node_that_answers_each_time_just_in_time_is_a_failure_of_its_own_and_the_cycle_runs(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No single request takes too long: all of them together do."""
    run_claim(cloud)
    cloud.let_time_pass()
    ticks = iter(range(0, 100_000, 9))
    network = partial(DeadlineBackend, clock=lambda: next(ticks))
    monkeypatch.setattr("nodes.pipeline.connect.DeadlineBackend", network)
    row = run_claim(cloud)

    assert row.last_error == ""
    assert (cloud.line().fault, cloud.line().failures) == ("timeout", 1)
    with enter_tenant(cloud.box.tenant):
        assert CycleRun.objects.count() == 2


def test_the_time_of_a_reading_fits_the_task_it_runs_in() -> None:
    assert run_node_cycle.soft_time_limit > READ_WITHIN_S
    assert app.conf.task_soft_time_limit > WITHIN_S
