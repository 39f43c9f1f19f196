"""Token keys come and go while processes run: publish first, sign later, verify until removed."""

import datetime as dt
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_saas.kit.key_folder import KeyFolder
from tenants.keys import REREAD_S, SIGNS_AFTER, KeyRing, SigningKey, read_key_ring, write_signing_key

START = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    @property
    def moment(self) -> dt.datetime:
        return START + dt.timedelta(seconds=self.now)


def watch(folder: Path, **options: Any) -> KeyFolder[KeyRing]:
    return KeyFolder(folder, read=read_key_ring, faults=(ImproperlyConfigured,), **options)


def add_key(folder: Path, *, signs_at: float = 0) -> SigningKey:
    path = write_signing_key(folder, signs_from=START + dt.timedelta(seconds=signs_at))
    return next(key for key in read_key_ring(folder).keys.values() if key.path == path)


def test_the_only_key_signs_at_once(tmp_path: Path) -> None:
    key = add_key(tmp_path, signs_at=60)
    assert read_key_ring(tmp_path).signer_at(START).kid == key.kid


def test_a_new_key_verifies_at_once_and_signs_when_its_instant_comes(tmp_path: Path) -> None:
    old, new = add_key(tmp_path), add_key(tmp_path, signs_at=60)
    ring = read_key_ring(tmp_path)
    assert list(ring.keys) == [old.kid, new.kid]
    signers = [ring.signer_at(START + dt.timedelta(seconds=second)).kid for second in (0, 59.9, 60, 3600)]
    assert signers == [old.kid, old.kid, new.kid, new.kid]


def test_keys_are_noticed_within_the_interval_and_looked_for_no_oftener(tmp_path: Path) -> None:
    clock, first = Clock(), add_key(tmp_path)
    keys = watch(tmp_path, clock=clock)
    ring = keys.read_ring()
    second = add_key(tmp_path, signs_at=60)
    clock.now = REREAD_S - 0.1
    assert keys.read_ring() is ring
    clock.now = REREAD_S
    assert list(keys.read_ring().keys) == [first.kid, second.kid]
    first.path.unlink()
    clock.now = 2 * REREAD_S
    assert list(keys.read_ring().keys) == [second.kid]


def test_a_folder_that_did_not_change_is_not_parsed_again(tmp_path: Path) -> None:
    clock = Clock()
    add_key(tmp_path)
    keys = watch(tmp_path, clock=clock)
    ring = keys.read_ring()
    clock.now = 100
    assert keys.read_ring() is ring


@pytest.mark.parametrize("damage", ["empty folder", "half a key", "wrong name", "no folder"])
def test_a_folder_gone_bad_leaves_the_last_ring_in_force(tmp_path: Path, damage: str) -> None:
    clock, folder = Clock(), tmp_path / "keys"
    key = add_key(folder)
    keys = watch(folder, clock=clock)
    ring, pem = keys.read_ring(), key.path.read_bytes()
    if damage == "half a key":
        (folder / "20261101T000100000000.pem").write_bytes(pem[:60])
    elif damage == "wrong name":
        (folder / "new.pem").write_bytes(pem)
    else:
        key.path.unlink()
    if damage == "no folder":
        folder.rmdir()
    clock.now = 100
    assert keys.read_ring() is ring
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    mended = add_key(folder)
    clock.now = 200
    assert list(keys.read_ring().keys) == [mended.kid]


def test_without_any_key_the_process_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="add_jwt_key"):
        watch(tmp_path / "none").read_ring()


def test_a_key_is_for_this_user_alone_and_leaves_no_draft(tmp_path: Path) -> None:
    path = write_signing_key(tmp_path / "keys", signs_from=START)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@settings(max_examples=25)
@given(
    late=st.tuples(st.floats(0, REREAD_S), st.floats(0, REREAD_S)),
    skew_s=st.floats(-25, 25),
    rotations=st.lists(st.integers(5, 400), min_size=1, max_size=3),
)
def test_no_process_ever_signs_with_a_key_another_has_not_read(
    tmp_path_factory: pytest.TempPathFactory, late: tuple[float, float], skew_s: float, rotations: list[int]
) -> None:
    """Two processes that look at different moments, with clocks half a minute apart, at every second of an hour."""
    folder = tmp_path_factory.mktemp("keys")
    add_key(folder)
    clocks = [Clock(), Clock()]
    for clock, moment in zip(clocks, late, strict=True):
        clock.now = -moment
    processes = [watch(folder, clock=clock) for clock in clocks]
    for process in processes:
        process.read_ring()
    moments = {sum(rotations[: count + 1]) for count in range(len(rotations))}
    for second in range(max(moments) + 120):
        if second in moments:
            add_key(folder, signs_at=second + SIGNS_AFTER.total_seconds())
        for clock in clocks:
            clock.now = float(second)
        rings = [process.read_ring() for process in processes]
        signers = [
            rings[0].signer_at(clocks[0].moment),
            rings[1].signer_at(clocks[1].moment + dt.timedelta(seconds=skew_s)),
        ]
        assert signers[0].kid in rings[1].keys
        assert signers[1].kid in rings[0].keys
    assert len(rings[0].keys) == len(moments) + 1


def test_threads_that_ask_at_once_get_whole_rings(tmp_path: Path) -> None:
    add_key(tmp_path)
    keys, rings = watch(tmp_path, reread_s=0), []

    def ask() -> None:
        rings.extend(keys.read_ring() for _ in range(200))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(1, 6):
        add_key(tmp_path, signs_at=number)
    for thread in threads:
        thread.join(30)
    sizes = [len(ring.keys) for ring in rings]
    assert len(rings) == 800
    assert set(sizes) <= {1, 2, 3, 4, 5, 6}
    assert len(keys.read_ring().keys) == 6
