"""Counts are true across processes, living and dead; what the dead left takes no more room with time."""

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mcp_saas.kit.metric_folder import clean_folder, collect, read_start, write_text

ROOT = Path(__file__).resolve().parents[3]
COUNT = """
import os, sys
from mcp_saas.kit.metrics import note_cycle, note_job, note_request
from prometheus_client import Gauge
for _ in range(int(sys.argv[1])):
    note_request("get_health", status=200, seconds=0.004)
note_request("get_node", status=503, seconds=3.0)
Gauge("dazbox_alive", "now", multiprocess_mode="livesum").set(1)
print("counted", flush=True)
if sys.argv[2] == "stay":
    sys.stdin.read()
elif sys.argv[2] == "fork":
    if os.fork() == 0:
        note_request("get_health", status=200, seconds=0.004)
        os._exit(0)
    os.wait()
else:
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return clean_folder(tmp_path / "metrics")


@contextmanager
def counting(folder: Path, count: int, *, then: str) -> Iterator[None]:
    """A process that has counted: it stays, dies by SIGKILL, or forks one that counts too; over at the block's end."""
    process = subprocess.Popen(
        [sys.executable, "-c", COUNT, str(count), then],
        cwd=ROOT,
        env={"PROMETHEUS_MULTIPROC_DIR": str(folder), "PATH": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"counted\n"
        if then != "stay":
            process.wait(30)
        yield


def count(folder: Path, number: int, *, then: str = "die") -> None:
    with counting(folder, number, then=then):
        pass


def read(folder: Path) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(write_text(collect(folder)).decode())
    return {(one.name, *sorted(one.labels.values())): one.value for family in families for one in family.samples}


def test_processes_are_added_up_whether_they_live_or_not(folder: Path) -> None:
    count(folder, 4)
    with counting(folder, 3, then="stay"):
        for _ in range(2):  # what was put together once is not counted again
            found = read(folder)
            assert found["dazbox_http_requests_total", "2xx", "get_health"] == 7
            assert found["dazbox_http_requests_total", "5xx", "get_node"] == 2
            assert found["dazbox_http_request_duration_seconds_count", "get_health"] == 7
            assert found["dazbox_http_request_duration_seconds_bucket", "0.005", "get_health"] == 7
            assert found["dazbox_http_request_duration_seconds_bucket", "2.5", "get_node"] == 0
            assert found["dazbox_alive",] == 1  # a gauge is of the living
    assert read(folder)["dazbox_http_requests_total", "2xx", "get_health"] == 7


def test_a_forked_process_counts_for_itself(folder: Path) -> None:
    count(folder, 2, then="fork")
    assert read(folder)["dazbox_http_requests_total", "2xx", "get_health"] == 3


def test_many_that_died_leave_one_file_of_a_kind(folder: Path) -> None:
    for _ in range(4):
        count(folder, 1)
    assert read(folder)["dazbox_http_requests_total", "2xx", "get_health"] == 4
    assert sorted(path.name for path in folder.glob("*.db")) == ["counter_dead.db", "histogram_dead.db"]


def test_a_file_that_was_just_begun_spoils_no_reading(folder: Path) -> None:
    count(folder, 1)
    (folder / "counter_99999999.db").touch()
    assert read(folder)["dazbox_http_requests_total", "2xx", "get_health"] == 1


def test_a_new_start_begins_with_nothing(folder: Path) -> None:
    count(folder, 1)
    assert read(clean_folder(folder)) == {}


def test_a_folder_knows_since_when_it_counts(tmp_path: Path) -> None:
    assert read_start(tmp_path) is None
    began = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    clean_folder(tmp_path)
    since = read_start(tmp_path)
    assert since is not None
    assert began < since < dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
