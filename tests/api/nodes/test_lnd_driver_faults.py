"""The LND driver while the node times out, breaks off, refuses, answers what was true before, or starts again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from nodes.simulator.faults.plan import Fault as Failure
from nodes.simulator.network import build_world
from nodes.simulator.small_network import generate_network
from nodes.simulator.world import World, load_world, save_world
from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.driver import Outcome, PolicyWrite
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.policy import Policy
from nodes.sources.driver.retry import Patience
from nodes.sources.node import open_driver
from tests.fakes.driven_node import DrivenNode, serve_driven
from tests.fakes.simulated_fleet import serve_fleet

NOW_S = 1_760_000_000
WRITES = "/v1/chanpolicy"


@pytest.fixture(scope="module")
def made_world() -> bytes:
    world = build_world(generate_network(seed=7, now_s=NOW_S), 1, origin="test", now_s=NOW_S, seed=7)
    return msgspec.msgpack.encode(world)


@pytest.fixture
def node(made_world: bytes, tmp_path: Path) -> Iterator[DrivenNode]:
    world = msgspec.msgpack.decode(made_world, type=World)
    with serve_driven(world, world.fleet[0].pubkey, tmp_path) as served:
        yield served


def read_fault(node: DrivenNode) -> NodeError:
    with open_driver(node.config) as driver, pytest.raises(NodeError) as caught:
        driver.read_node()
    assert node.config.secret not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "failure",
    [
        Failure(kind="error", path="/v1/channels", status=503, times=2),
        Failure(kind="error", path="/v1/graph", status=502, times=1),
        Failure(kind="cut", path="/v1/getinfo", times=2),
        Failure(kind="lost", path="/v1/channels", times=1),
        Failure(kind="timeout", path="/v1/graph", times=2),
    ],
    ids=lambda failure: failure.kind,
)
def test_a_read_is_tried_again_while_its_failure_may_pass(node: DrivenNode, failure: Failure) -> None:
    node.fail(failure)
    with open_driver(node.config) as driver:
        assert len(driver.read_node()["channels"]) == len(node.channels)

    assert node.pauses == [0.25, 0.5][: failure.times]
    assert node.count_writes() == 0


@pytest.mark.parametrize(
    ("failure", "fault", "says"),
    [
        (Failure(kind="error", path="/v1/channels"), Fault.UNAVAILABLE, "answered 503"),
        (Failure(kind="timeout", path="/v1/channels"), Fault.TIMEOUT, "did not answer within 0.5 s"),
        (Failure(kind="cut", path="/v1/channels"), Fault.BROKEN, "broke off the exchange"),
    ],
)
def test_a_failure_that_stays_is_named_after_three_attempts(
    node: DrivenNode, failure: Failure, fault: Fault, says: str
) -> None:
    node.fail(failure)
    error = read_fault(node)

    assert (error.fault, error.permanent) == (fault, False)
    assert says in str(error)
    assert node.calls.count("GET /v1/channels") == 3


@pytest.mark.parametrize(
    ("message", "fault", "is_permanent"),
    [
        ("wallet locked, unlock it to enable full RPC access", Fault.LOCKED, False),
        ("the RPC server is in the process of starting up, but not yet ready to accept calls", Fault.STARTING, False),
        ("permission denied", Fault.FORBIDDEN, True),
        ("cannot get macaroon: root key with id 0 doesn't exist", Fault.FORBIDDEN, True),
    ],
)
def test_what_lnd_says_of_itself_is_not_asked_again(
    node: DrivenNode, message: str, fault: Fault, *, is_permanent: bool
) -> None:
    node.fail(Failure(kind="error", path="/v1/getinfo", status=500, answer={"code": 2, "message": message}))
    error = read_fault(node)

    assert (error.fault, error.permanent) == (fault, is_permanent)
    assert message in str(error)
    assert node.calls == ["GET /v1/getinfo"]


def test_no_new_attempt_begins_when_the_time_is_spent(node: DrivenNode) -> None:
    node.fail(Failure(kind="error", path="/v1/getinfo"))
    ticks = iter(range(0, 1_000, 30))
    patience = Patience(clock=lambda: float(next(ticks)), pause=node.pauses.append)
    with open_driver(replace(node.config, patience=patience)) as driver, pytest.raises(NodeError):
        driver.identify()

    assert len(node.calls) == 2


@pytest.mark.parametrize("kind", ["timeout", "error"])
def test_a_write_that_did_not_happen_is_not_repeated_by_itself_and_may_be_called_again(
    node: DrivenNode, kind: Any
) -> None:
    write = node.plan_write(0, fee_rate_ppm=777)
    node.fail(Failure(kind=kind, path=WRITES, times=1))
    with open_driver(node.config) as driver:
        with pytest.raises(NodeError) as caught:
            driver.apply(write)
        assert not caught.value.permanent
        assert node.count_writes() == 1
        assert node.read_policy(0) == write.expected_policy
        assert driver.apply(write).outcome == Outcome.WRITTEN

    assert node.read_policy(0) == write.policy
    assert len(node.saves) == 1


@pytest.mark.parametrize("kind", ["lost", "cut"])
def test_a_write_whose_answer_is_lost_is_seen_to_have_happened(node: DrivenNode, kind: Any) -> None:
    write = node.plan_write(0, fee_rate_ppm=777)
    node.fail(Failure(kind=kind, path=WRITES, times=1))
    with open_driver(node.config) as driver:
        assert driver.apply(write).outcome == Outcome.WRITTEN
        assert driver.apply(write).outcome == Outcome.WRITTEN

    assert node.count_writes() == 1
    assert len(node.saves) == 1


def test_a_write_whose_answer_is_lost_while_the_node_cannot_be_read_is_settled_later(node: DrivenNode) -> None:
    write = node.plan_write(0, fee_rate_ppm=777)
    node.fail(Failure(kind="cut", path=WRITES, times=1), Failure(kind="error", path="/v1/graph/edge", skip=1, times=3))
    with open_driver(node.config) as driver:
        with pytest.raises(NodeError, match="503"):
            driver.apply(write)
        assert driver.apply(write).outcome == Outcome.WRITTEN

    assert node.count_writes() == 1


def test_a_failure_of_one_channel_is_that_channels_alone(node: DrivenNode) -> None:
    first, second = node.plan_write(0, fee_rate_ppm=777), node.plan_write(1, fee_rate_ppm=777)
    node.fail(Failure(kind="partial", path=WRITES, channels=[str(first.channel_point)]))
    with open_driver(node.config) as driver:
        refused, written = driver.apply(first), driver.apply(second)

    assert (refused.outcome, written.outcome) == (Outcome.REFUSED, Outcome.WRITTEN)
    assert "UPDATE_FAILURE_INTERNAL_ERR: failed on request" in refused.reason
    assert (node.read_policy(0), node.read_policy(1)) == (first.expected_policy, second.policy)


def test_a_stale_answer_after_a_write_is_no_reason_to_write_again(node: DrivenNode) -> None:
    write = node.plan_write(0, fee_rate_ppm=777)
    node.fail(Failure(kind="stale", path="/v1/graph/edge", age_s=3_600, skip=1))
    with open_driver(node.config) as driver:
        result = driver.apply(write)
        assert (result.outcome, result.policy) == (Outcome.UNCONFIRMED, write.expected_policy)
        assert "does not show it yet" in result.reason
        node.fail()
        assert driver.apply(write).outcome == Outcome.WRITTEN

    assert node.count_writes() == 1


def test_a_stale_reading_of_forwards_loses_and_doubles_none(node: DrivenNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of a while ago is shorter: the cursor says so, and the rest comes with the next."""
    monkeypatch.setattr("nodes.sources.lnd.forward.PAGE_EVENTS", 1_000)
    history = node.world.fleet[0].history
    node.world.fleet[0].history = history[: len(history) // 2]
    ids: list[object] = []
    with open_driver(node.config) as driver:
        page = driver.read_forwards("0")
        node.world.fleet[0].history = history
        node.fail(Failure(kind="stale", path="/v1/switch", age_s=3_600, times=1))
        page = driver.read_forwards("0")
        ids += [event["id"] for event in page.events]
        page = driver.read_forwards(page.cursor)
        ids += [event["id"] for event in page.events]

    assert len(ids) == len(set(ids)) == sum(record.status == "settled" for record in history)


def find_own_policy(world: World, pubkey: str) -> tuple[PolicyWrite, Policy]:
    channel = world.channels_of(pubkey)[0]
    own = channel.seen_by(pubkey)[0].policy
    policy = Policy.from_fields(msgspec.to_builtins(own))
    number = channel.channel_id
    write = PolicyWrite(
        short_channel_id=f"{number >> 40}x{number >> 16 & 0xFFFFFF}x{number & 0xFFFF}",
        channel_point=channel.chan_point,
        policy=replace(policy, fee_rate_ppm=777),
        expected_policy=policy,
    )
    return write, policy


@pytest.mark.parametrize("kind", ["die-before", "die-after"])
def test_a_node_killed_at_a_write_starts_again_and_has_it_once(tmp_path: Path, made_world: bytes, kind: Any) -> None:
    """A process of its own, killed as by `kill -9`, its world kept on disk."""
    world = msgspec.msgpack.decode(made_world, type=World)
    save_world(world, tmp_path / "world")
    pubkey = world.fleet[0].pubkey
    write, before = find_own_policy(world, pubkey)

    def serve(*options: str) -> Any:
        return serve_fleet(tmp_path / "world", tmp_path / "home", tmp_path / "ready.json", *options)

    with serve("--faults") as fleet:
        config = read_config(fleet.ready[0])
        control = Path(fleet.ready[0]["tls_cert"]).with_name("faults.json")
        control.write_bytes(msgspec.json.encode([Failure(kind=kind, path=WRITES)]))
        with open_driver(config) as driver, pytest.raises(NodeError) as caught:
            driver.apply(write)
        assert caught.value.fault in {Fault.BROKEN, Fault.UNREACHABLE}
        assert fleet.process.wait(60) == -9
    assert (find_own_policy(load_world(tmp_path / "world"), pubkey)[1] == before) == (kind == "die-before")

    with serve() as fleet, open_driver(config) as driver:
        assert fleet.ready[0]["url"] == config.url
        assert driver.apply(write).outcome == Outcome.WRITTEN
        first = next(row for row in driver.read_node()["channels"] if row["channel_point"] == write.channel_point)
        assert first["own_policy"]["fee_rate_ppm"] == 777  # type: ignore[index]
        assert fleet.stop() == 0


def read_config(ready: dict[str, Any]) -> DriverConfig:
    return DriverConfig(
        implementation="lnd",
        url=ready["url"],
        secret=Path(ready["macaroon"]).read_bytes().hex(),
        certificate=Path(ready["tls_cert"]).read_text(),
        pubkey=ready["pubkey"],
        timeout=httpx.Timeout(5),
        patience=Patience(pause=lambda _: None),
    )
