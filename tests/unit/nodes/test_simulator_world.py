"""A world outlives its process: whole, private, and only for the version that wrote it."""

import os
from pathlib import Path

import msgspec
import pytest

from nodes.simulator.network import build_world
from nodes.simulator.small_network import generate_network
from nodes.simulator.world import ConservationError, World, WorldFileError, check_conservation, load_world, save_world

NOW_S = 1_760_000_000


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(generate_network(seed=5, now_s=NOW_S), 2, origin="test", now_s=NOW_S, seed=5)


def test_what_is_saved_is_loaded_and_nobody_else_may_read_it(world: World, tmp_path: Path) -> None:
    path = tmp_path / "world"

    save_world(world, path)
    save_world(world, path)

    assert load_world(path) == world
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_save_that_fails_leaves_the_old_world(world: World, tmp_path: Path) -> None:
    path = tmp_path / "world"
    save_world(world, path)
    old = path.read_bytes()
    (tmp_path / f".world.{os.getpid()}").mkdir()  # where the draft would be written

    with pytest.raises(OSError, match=r"\.world\."):
        save_world(world, path)

    assert path.read_bytes() == old


def test_a_world_of_another_version_is_not_read(world: World, tmp_path: Path) -> None:
    path = tmp_path / "world"
    path.write_bytes(msgspec.msgpack.encode({"version": 99, "whatever": True}))

    with pytest.raises(WorldFileError, match=r"version 99.*make a new one"):
        load_world(path)


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x81\xa7version\x02", b"hello"])
def test_what_is_no_world_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "world"
    path.write_bytes(content)

    with pytest.raises(WorldFileError, match=r"is not a world.*make a new one"):
        load_world(path)


def test_a_missing_world_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(WorldFileError, match=r"python -m nodes\.simulator make"):
        load_world(tmp_path / "absent")


def test_a_single_msat_too_many_is_found(world: World) -> None:
    copy = msgspec.msgpack.decode(msgspec.msgpack.encode(world), type=World)
    copy.channels[3].sides[1].balance_msat += 1

    check_conservation(world)
    with pytest.raises(ConservationError, match=str(copy.channels[3].channel_id)):
        check_conservation(copy)
