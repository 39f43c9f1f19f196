"""The agent as a process: homes do not disturb each other, SIGTERM ends it at once."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from nodes.sources.driver.door import READ_TIMEOUT_S
from tests.fakes.box import start_box
from tests.fakes.json_server import PATIENCE_S, Reply
from tests.fakes.lnd_rest import describe_error

pytestmark = pytest.mark.fault
ROOT = Path(__file__).resolve().parents[2]
LONG_S = 3600


@contextmanager
def start_agent(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "nodes.agent", "run", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as agent:
        try:
            yield agent
        finally:
            agent.kill()


def test_homes_run_side_by_side_and_sigterm_ends_them_in_the_midst_of_a_pause(tmp_path: Path) -> None:
    with ExitStack() as stack:
        boxes = [stack.enter_context(start_box(tmp_path / name)) for name in ("alice", "bob", "charlie")]
        assert [box.claim() for box in boxes] == [0, 0, 0]
        boxes[1].lnd.failure = Reply(status=500, body=describe_error(2, "wallet locked"))
        agent = stack.enter_context(start_agent("--interval", str(LONG_S), *(str(box.home) for box in boxes)))
        for box in (boxes[0], boxes[2]):
            box.cloud.wait_for_calls("/snapshots", 1)
        agent.send_signal(signal.SIGTERM)
        out, err = agent.communicate(timeout=PATIENCE_S)

    assert agent.returncode == 0
    assert out == ""
    assert boxes[1].cloud.snapshots == []
    lines = err.splitlines()
    assert sum(f"WARNING {boxes[1].home}: LND at {boxes[1].lnd.url} answered 500" in line for line in lines) >= 1
    assert sum(f"INFO {boxes[0].home}: snapshot" in line for line in lines) >= 1
    assert lines[-1].endswith("INFO stopped by SIGTERM")


def test_sigterm_does_not_wait_for_a_node_that_hangs(tmp_path: Path) -> None:
    released = threading.Event()

    with start_box(tmp_path) as box:
        assert box.claim() == 0
        box.lnd.before_answer = released.wait
        with start_agent(str(box.home)) as agent:
            box.lnd.wait_for_calls("/v1/getinfo", 2)  # the first was the claim's
            agent.send_signal(signal.SIGTERM)
            _, err = agent.communicate(timeout=READ_TIMEOUT_S / 2)
        released.set()

    assert agent.returncode == 0
    assert len(err.splitlines()) == 1
