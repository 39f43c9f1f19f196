"""A disk that is full, a real one: told in one line, everything stopped, and it goes on once there is room."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.embedded_instance import DEADLINE_S, discard_home, eventually, launcher, processes_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
FILL = """
import os
found = os.statvfs(".")
with open("../fill", "wb") as file:
    os.posix_fallocate(file.fileno(), 0, found.f_bavail * found.f_bsize - {left})
"""
STUMBLE = "open('more', 'wb').write(bytes(10**6))"  # ends with a traceback: No space left on device


@pytest.fixture
def small_disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="small-disk-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=600m,mode=0755", "tmpfs", folder]
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
        yield Path(folder)
        discard_home(Path(folder) / "home")
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("left_bytes", [0, 16_000_000])
def test_a_disk_that_fills_while_preparing_is_told_in_one_line(small_disk: Path, port: int, left_bytes: int) -> None:
    home = small_disk / "home"
    prepare = FILL.format(left=left_bytes) + (STUMBLE if not left_bytes else "raise SystemExit(1)")
    with launcher(home, port, PREPARE=prepare) as process:
        _out, err = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, err) == (1, full(home))
    assert processes_of(home) == []


def test_a_disk_that_fills_while_serving_stops_everything_and_it_goes_on_once_there_is_room(
    small_disk: Path, port: int
) -> None:
    home = small_disk / "home"
    with launcher(home, port) as process:
        assert eventually((home / "run.json").exists)
        free_bytes = shutil.disk_usage(home).free
        with (small_disk / "fill").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, free_bytes)
        out, err = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, err) == (1, full(home))
    assert "stopped with exit code" not in out
    assert processes_of(home) == []
    (small_disk / "fill").unlink()
    with launcher(home, port) as process:
        assert eventually((home / "run.json").exists)
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0


def full(home: Path) -> str:
    return f"The disk of {home} is full: free some space and start again; what was stored is kept\n"
