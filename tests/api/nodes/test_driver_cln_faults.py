"""The Core Lightning driver while the node times out, breaks off, refuses, answers what was true before, restarts."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nodes.simulator.faults.plan import Fault as Failure
from nodes.simulator.implementation import turn_into_cln
from nodes.simulator.network import build_world
from nodes.simulator.small_network import generate_network
from nodes.simulator.world import Channel, World, load_world, save_world
from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.driver import Outcome, PolicyWrite
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.policy import Policy
from nodes.sources.driver.retry import Patience
from nodes.sources.node import open_driver
from tests.fakes.driven_node import LONG_TIMEOUT, DrivenNode, serve_driven
from tests.fakes.simulated_fleet import serve_fleet

NOW_S = 1_760_000_000
WRITES = "/v1/setchannel"


@pytest.fixture(scope="module")
def made_world() -> bytes:
    world = build_world(generate_network(seed=7, now_s=NOW_S), 1, origin="test", now_s=NOW_S, seed=7, has_own_keys=True)
    turn_into_cln(world.fleet[0], world)
    return msgspec.msgpack.encode(world)


@pytest.fixture
def world(made_world: bytes) -> World:
    return msgspec.msgpack.decode(made_world, type=World)


@pytest.fixture
def node(world: World, tmp_path: Path) -> Iterator[DrivenNode]:
    with serve_driven(world, world.fleet[0].pubkey, tmp_path, implementation="cln") as served:
        yield served


def make_wide(world: World, count: int) -> World:
    """One node with `count` channels."""
    pubkey, pattern = world.fleet[0].pubkey, world.channels_of(world.fleet[0].pubkey)[0]
    channels = []
    for number in range(count):
        channel: Channel = msgspec.msgpack.decode(msgspec.msgpack.encode(pattern), type=Channel)
        channel.channel_id, channel.chan_point = (700_000 + number) << 40 | 1 << 16, f"{number:064x}:0"
        channel.seen_by(pubkey)[1].pubkey = f"03{number:064x}"
        channels.append(channel)
    return msgspec.structs.replace(world, channels=channels, fleet=world.fleet[:1], in_flight=[])


def test_a_cycle_takes_five_calls_for_a_thousand_channels(world: World, tmp_path: Path) -> None:
    world.fleet[0].history = []
    wide = make_wide(world, 1_000)
    with (
        serve_driven(wide, wide.fleet[0].pubkey, tmp_path, implementation="cln") as node,
        open_driver(replace(node.config, timeout=LONG_TIMEOUT)) as driver,
    ):
        reading = driver.read_node()
        page = driver.read_forwards("0")

    assert len(reading["channels"]) == 1_000
    assert all(channel["own_policy"] for channel in reading["channels"])
    assert (page.events, page.more) == ([], False)
    methods = ["getinfo", "listpeerchannels", "feerates", "listforwards", "listforwards"]
    assert node.calls == [f"POST /v1/{method}" for method in methods]


@pytest.mark.parametrize(
    "failure",
    [
        Failure(kind="error", path="/v1/listpeerchannels", status=503, times=2),
        Failure(kind="cut", path="/v1/getinfo", times=2),
        Failure(kind="lost", path="/v1/listpeerchannels", times=1),
        Failure(kind="timeout", path="/v1/getinfo", times=1),
    ],
    ids=lambda failure: failure.kind,
)
def test_a_read_is_tried_again_while_its_failure_may_pass(node: DrivenNode, failure: Failure) -> None:
    node.fail(failure)
    with open_driver(node.config) as driver:
        assert len(driver.read_node()["channels"]) == len(node.channels)

    assert node.pauses == [0.25, 0.5][: failure.times]
    assert node.count_writes() == 0


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


def test_a_stale_answer_after_a_write_is_no_reason_to_write_again(node: DrivenNode) -> None:
    write = node.plan_write(0, fee_rate_ppm=777)
    node.fail(Failure(kind="stale", path="/v1/listpeerchannels", age_s=3_600, skip=1))
    with open_driver(node.config) as driver:
        result = driver.apply(write)
        assert (result.outcome, result.policy) == (Outcome.UNCONFIRMED, write.expected_policy)
        node.fail()
        assert driver.apply(write).outcome == Outcome.WRITTEN

    assert node.count_writes() == 1


def test_a_stale_reading_of_forwards_loses_and_doubles_none(node: DrivenNode) -> None:
    history = node.world.fleet[0].history
    node.world.fleet[0].history = history[: len(history) // 2]
    with open_driver(node.config) as driver:
        driver.read_forwards("0")
        node.world.fleet[0].history = history
        node.fail(Failure(kind="stale", path="/v1/listforwards", age_s=3_600, times=2))
        page = driver.read_forwards("0")
        more = driver.read_forwards(page.cursor)

    ids = [event["id"] for event in [*page.events, *more.events]]
    assert page.events
    assert more.events
    assert len(ids) == len(set(ids)) == len(history)


@pytest.mark.parametrize(("kind", "is_written"), [("die-before", False), ("die-after", True)])
def test_a_node_killed_at_a_write_is_found_as_it_is_when_it_is_back(
    world: World, tmp_path: Path, kind: Any, *, is_written: bool
) -> None:
    save_world(world, tmp_path / "world")
    pubkey = world.fleet[0].pubkey
    own = world.channels_of(pubkey)[0].seen_by(pubkey)[0].policy
    assert own is not None
    present = Policy(**{name: getattr(own, name) for name in Policy.__dataclass_fields__})
    scid = world.channels_of(pubkey)[0].channel_id
    write = PolicyWrite(
        short_channel_id=f"{scid >> 40}x{scid >> 16 & 0xFFFFFF}x{scid & 0xFFFF}",
        channel_point=None,
        policy=replace(present, fee_rate_ppm=present.fee_rate_ppm + 7, disabled=False),
        expected_policy=replace(present, disabled=False),
    )
    faults = Failure(kind=kind, path=WRITES)
    with serve_fleet(tmp_path / "world", tmp_path / "home", tmp_path / "ready.json", "--faults") as fleet:
        config = read_config(fleet.ready[0])
        fault_file = Path(fleet.ready[0]["rune"]).with_name("faults.json")
        fault_file.write_bytes(msgspec.json.encode([faults]))
        with open_driver(config) as driver, pytest.raises(NodeError):
            driver.apply(write)
        assert fleet.process.wait(60) != 0
    fault_file.unlink()

    kept = load_world(tmp_path / "world").channels_of(pubkey)[0].seen_by(pubkey)[0].policy
    assert kept is not None
    assert (kept.fee_rate_ppm == write.policy.fee_rate_ppm) is is_written
    with serve_fleet(tmp_path / "world", tmp_path / "home", tmp_path / "ready.json") as fleet:
        with open_driver(read_config(fleet.ready[0])) as driver:
            assert driver.apply(write).outcome is Outcome.WRITTEN
        assert fleet.stop() == 0


def read_config(ready: dict[str, Any]) -> DriverConfig:
    return DriverConfig(
        implementation="cln",
        url=ready["url"],
        secret=Path(ready["rune"]).read_text().strip(),
        certificate=Path(ready["tls_cert"]).read_text(),
        pubkey=ready["pubkey"],
        patience=Patience(pause=lambda _: None),
    )


def test_a_rune_that_was_taken_back_is_permanent(node: DrivenNode) -> None:
    answer = {"code": 1503, "message": "Not authorized: Blacklisted rune"}
    node.fail(Failure(kind="error", path="/v1/getinfo", status=401, answer=answer))
    with open_driver(node.config) as driver, pytest.raises(NodeError, match="Blacklisted rune") as caught:
        driver.read_node()
    assert (caught.value.fault, caught.value.permanent) == (Fault.FORBIDDEN, True)
    assert node.config.secret not in str(caught.value)
