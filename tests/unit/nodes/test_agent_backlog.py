"""A box that was offline for days sends what it missed: all, once, in order, and without growing."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.box import start_box
from tests.fakes.lnd_rest import describe_forward

ROOT = Path(__file__).resolve().parents[3]
MEMORY_MAX_MB = 128  # what docs/agent.md gives the service
# getrusage would count what the test's own process had before this one replaced it.
REPORT = """
import pathlib, re, sys
from nodes.agent.command import main
status = main(["report", sys.argv[1]])
print(status, int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) // 1024)
"""


def report(home: Path) -> tuple[str, int]:
    """What it said, and how many MB it took at most."""
    done = subprocess.run(
        [sys.executable, "-c", REPORT, str(home)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    said, result = done.stdout.splitlines()
    status, peak_mb = result.split()
    assert status == "0", done.stderr
    return said, int(peak_mb)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc: left out on other systems")
def test_a_hundred_thousand_forwards_behind_arrive_once_in_order_in_bounded_memory(tmp_path: Path) -> None:
    with start_box(tmp_path) as box:
        assert box.claim() == 0
        box.lnd.forwards = [describe_forward(number) for number in range(100)]
        _, usual_mb = report(box.home)
        box.lnd.forwards += [describe_forward(number) for number in range(100, 100_100)]
        said, peak_mb = report(box.home)
        asked = [call for call in box.lnd.calls if call.path == "/v1/switch"]

    assert "100000 new forwards stored" in said
    assert len(box.cloud.forwards) == 100_100
    assert [event["out_msat"] for event in box.cloud.forwards.values()] == [1_000_000 + n for n in range(100_100)]
    assert box.cloud.cursor == "100100"
    assert len(asked) <= 1 + 21
    assert peak_mb < MEMORY_MAX_MB
    assert peak_mb - usual_mb < 40
