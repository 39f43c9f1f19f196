"""Children: started apart, logged, ended with all they started, started anew when they die; none outlives us."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.interrupts import StopRequest
from mcp_saas.embedded.log import LIMIT_BYTES, find_complaint
from mcp_saas.embedded.process import Command, wait_for
from mcp_saas.embedded.registry import ProcessRegistry
from mcp_saas.embedded.state import StateFolder, open_state
from mcp_saas.embedded.supervisor import Supervisor, plan_restart
from tests.clock import Clock
from tests.faults.embedded_instance import PROJECT, eventually, is_running

WAIT = "import signal; signal.pause()"
# A child of the child in the same group, as a pool's workers are; its number is in the log.
PARENT = f"""
import subprocess, sys, signal
print(subprocess.Popen([sys.executable, "-c", {WAIT!r}]).pid, flush=True)
signal.pause()
"""
TELL_END = """
import signal, sys
def tell(*_):
    open({ends!r}, "a").write({name!r} + " ")
    sys.exit()
signal.signal(signal.SIGTERM, tell)
print("up", flush=True)
signal.pause()
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
LAUNCHER = f"""
import sys, signal
from pathlib import Path
from mcp_saas.embedded.process import Command, wait_for
from mcp_saas.embedded.state import open_state
from mcp_saas.embedded.supervisor import Supervisor
with open_state(Path(sys.argv[1])) as state:
    supervisor = Supervisor(state)
    child = supervisor.start(Command("wait", (sys.executable, "-c", {WAIT!r}), state.home))
    print(child.pid, flush=True)
    signal.pause()
"""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFolder]:
    with open_state(tmp_path) as state:
        yield state


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def supervisor(state: StateFolder, said: list[str], clock: Clock) -> Iterator[Supervisor]:
    supervisor = Supervisor(state, say=said.append, clock=clock)
    yield supervisor
    supervisor.stop_all()


def python(name: str, code: str, state: StateFolder, patience_s: float = 8.0) -> Command:
    return Command(name, (sys.executable, "-c", code), state.home, patience_s=patience_s)


def log_of(state: StateFolder, name: str) -> str:
    return (state.log / f"{name}.log").read_text()


def test_a_child_runs_in_a_session_of_its_own_and_speaks_to_a_private_log(
    state: StateFolder, supervisor: Supervisor
) -> None:
    child = supervisor.start(python("talk", f"print('hello', flush=True); {WAIT}", state))
    assert os.getsid(child.pid) == os.getpgid(child.pid) == child.pid
    assert eventually(lambda: log_of(state, "talk") == "hello\n")
    assert child.log.stat().st_mode & 0o777 == 0o600


def test_a_log_that_grew_too_large_is_put_aside_once_at_the_next_start(
    state: StateFolder, supervisor: Supervisor
) -> None:
    log = state.log / "talk.log"
    log.write_text("x" * (LIMIT_BYTES + 1))
    supervisor.run(python("talk", "print('fresh')", state))
    supervisor.run(python("talk", "print('more')", state))
    assert log.read_text() == "fresh\nmore\n"
    assert log.with_name("talk.log.1").stat().st_size == LIMIT_BYTES + 1


def test_stopping_ends_the_children_of_a_child_too(state: StateFolder, supervisor: Supervisor) -> None:
    child = supervisor.start(python("parent", PARENT, state))
    assert eventually(lambda: log_of(state, "parent").endswith("\n"))
    grandchild = int(log_of(state, "parent"))
    assert is_running(grandchild)
    supervisor.stop_all()
    assert child.exit_code == -signal.SIGTERM
    assert eventually(lambda: not is_running(grandchild))


def test_a_child_deaf_to_the_stop_signal_is_killed(state: StateFolder, supervisor: Supervisor) -> None:
    child = supervisor.start(python("deaf", STUBBORN, state, patience_s=0.1))
    assert eventually(lambda: log_of(state, "deaf") == "deaf\n")
    supervisor.stop_all()
    assert child.exit_code == -signal.SIGKILL


def test_children_are_stopped_in_the_reverse_order(state: StateFolder, supervisor: Supervisor) -> None:
    ends = state.home / "ends"
    for name in ("first", "second", "third"):
        code = TELL_END.format(ends=str(ends), name=name)
        supervisor.start(python(name, code, state))
        assert eventually(lambda name=name: log_of(state, name) == "up\n")
    supervisor.stop_all()
    assert ends.read_text() == "third second first "


def test_a_program_that_is_missing_or_fails_is_told_in_one_line(state: StateFolder, supervisor: Supervisor) -> None:
    with pytest.raises(LaunchError, match=r"^ghost could not be started \(.*No such file or directory.*\)"):
        supervisor.start(Command("ghost", ("/no/such/program",), state.home))
    failing = "import sys; sys.exit('Error: the database is not there')"
    with pytest.raises(LaunchError) as failed:
        supervisor.run(python("failing", failing, state))
    reason = f"failing stopped with exit code 1 (Error: the database is not there); see {state.log / 'failing.log'}"
    assert str(failed.value) == reason


def test_a_child_that_is_never_ready_is_told_with_its_last_complaint(
    state: StateFolder, supervisor: Supervisor
) -> None:
    child = supervisor.start(python("slow", f"print('Error: no lock yet', flush=True); {WAIT}", state))
    assert eventually(lambda: log_of(state, "slow").endswith("\n"))
    with pytest.raises(LaunchError, match=r"^slow was not ready after 0 s \(Error: no lock yet\); see .*/slow\.log$"):
        wait_for(lambda: False, child, seconds=0)


def test_children_are_started_from_the_main_thread_only(state: StateFolder, supervisor: Supervisor) -> None:
    errors: list[RuntimeError] = []

    def start() -> None:
        try:
            supervisor.start(python("wait", WAIT, state))
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert len(errors) == 1


@pytest.mark.parametrize(
    ("lives_s", "pause_s"),
    [
        ([0.1], 1),
        ([0.1, 0.1], 2),
        ([0.1] * 4, 8),
        ([0.1] * 5, None),
        ([9.9] * 5, None),
        ([0.1, 0.1, 12, 0.1, 0.1], 16),
        ([12] * 5, 16),
        ([12] * 6, 30),
        ([12] * 5000, 30),
        ([0.1, 0.1, 61], 1),
        ([0.1, 0.1, 0.1, 61, 0.1], 1),
        ([0.1, 0.1, 0.1, 0.1, 61, 0.1, 0.1], 2),
        ([3600], 1),
    ],
)
def test_the_pause_before_a_restart_doubles_until_giving_up(lives_s: list[float], pause_s: float | None) -> None:
    assert plan_restart(lives_s) == pause_s


def test_a_child_that_dies_is_started_anew_after_the_pause_and_said_so(
    state: StateFolder, supervisor: Supervisor, clock: Clock, said: list[str]
) -> None:
    code = "import sys; sys.exit('Error: out of luck')"
    first = supervisor.start(python("unlucky", code, state))
    assert first.wait() == 1
    supervisor.revive()
    assert said == [
        f"unlucky stopped with exit code 1 (Error: out of luck); see {state.log / 'unlucky.log'}: started again in 1 s"
    ]
    clock.now_s += 0.9
    supervisor.revive()
    assert log_of(state, "unlucky").count("luck") == 1
    clock.now_s += 0.2
    supervisor.revive()
    assert eventually(lambda: log_of(state, "unlucky").count("luck") == 2)
    assert len(said) == 1


def test_five_quick_deaths_are_the_end(
    state: StateFolder, supervisor: Supervisor, clock: Clock, said: list[str]
) -> None:
    supervisor.start(python("unlucky", "import sys; sys.exit('Error: out of luck')", state))
    with pytest.raises(LaunchError, match=r"^Gave up on unlucky after 5 starts: .*out of luck.*unlucky\.log$"):
        assert eventually(lambda: revive_later(supervisor, clock))
    assert log_of(state, "unlucky").count("luck") == 5
    assert len(said) == 4


def test_an_errand_is_run_once_and_its_failure_is_told_and_nobody_elses(
    state: StateFolder, supervisor: Supervisor, said: list[str]
) -> None:
    supervisor.start_errand(python("quick", "print('done')", state))
    supervisor.start_errand(python("wrong", "raise SystemExit('error: no weights')", state))
    supervisor.start_errand(python("slow", f"print('up', flush=True); {WAIT}", state))
    assert eventually(lambda: supervisor.revive() or names_of(state) == ["slow"])
    assert len(said) == 1
    assert said[0].startswith("wrong stopped with exit code 1 (error: no weights)")
    supervisor.stop_all()
    assert names_of(state) == []


def names_of(state: StateFolder) -> list[str]:
    return [record.name for record in ProcessRegistry(state).read()]


def revive_later(supervisor: Supervisor, clock: Clock) -> bool:
    supervisor.revive()
    clock.now_s += 1.0
    return False


def test_what_a_dead_child_left_behind_is_ended_before_it_is_started_anew(
    state: StateFolder, supervisor: Supervisor
) -> None:
    child = supervisor.start(python("parent", PARENT, state))
    assert eventually(lambda: log_of(state, "parent").endswith("\n"))
    grandchild = int(log_of(state, "parent"))
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert is_running(grandchild)
    supervisor.revive()
    assert eventually(lambda: not is_running(grandchild))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of the end of its launcher")
def test_children_end_when_their_launcher_is_killed(tmp_path: Path) -> None:
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCHER, str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE)
    with launcher:
        assert launcher.stdout is not None
        child = int(launcher.stdout.readline())
        assert is_running(child)
        launcher.kill()
    assert eventually(lambda: not is_running(child))


@pytest.fixture
def leftover(state: StateFolder) -> Iterator[subprocess.Popen[str]]:
    """A process with one of its own in its session, as a killed launcher leaves them."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        env={"DAZBOX_HOME": str(state.home)},
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def record(state: StateFolder, pid: int, created_at_s: float) -> ProcessRegistry:
    found = {"name": "web", "pid": pid, "created_at_s": created_at_s, "stop_signal": 15, "patience_s": 5.0}
    (state.run / "processes.json").write_text(json.dumps([found]))
    return ProcessRegistry(state)


def grandchild_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_what_a_killed_launcher_left_running_is_ended_at_the_next_start(
    state: StateFolder, leftover: subprocess.Popen[str]
) -> None:
    grandchild = grandchild_of(leftover)
    registry = record(state, leftover.pid, psutil.Process(leftover.pid).create_time())
    assert registry.end_leftovers() == ["web"]
    assert leftover.wait(60) == -signal.SIGTERM
    assert not is_running(grandchild)
    assert registry.read() == []
    assert registry.end_leftovers() == []


def test_what_is_left_of_a_session_is_ended_even_if_its_first_process_is_dead(
    state: StateFolder, leftover: subprocess.Popen[str]
) -> None:
    grandchild = grandchild_of(leftover)
    registry = record(state, leftover.pid, psutil.Process(leftover.pid).create_time())
    leftover.kill()
    leftover.wait()
    assert is_running(grandchild)
    assert registry.end_leftovers() == ["web"]
    assert not is_running(grandchild)


def test_a_stranger_with_a_number_of_ours_is_left_alone(state: StateFolder, leftover: subprocess.Popen[str]) -> None:
    grandchild = grandchild_of(leftover)
    registry = record(state, leftover.pid, psutil.Process(leftover.pid).create_time() - 60)
    assert registry.end_leftovers() == []
    assert is_running(leftover.pid)
    assert is_running(grandchild)


def test_a_session_of_a_stranger_under_a_number_of_ours_is_left_alone(
    state: StateFolder, leftover: subprocess.Popen[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    grandchild = grandchild_of(leftover)
    created_at_s = psutil.Process(leftover.pid).create_time()
    leftover.kill()
    leftover.wait()
    with open_state(tmp_path_factory.mktemp("other")) as other:
        assert record(other, leftover.pid, created_at_s).end_leftovers() == []
    assert is_running(grandchild)


@pytest.mark.parametrize("content", ["", "{", "[1]", '[{"pid": 1}]', "null"])
def test_a_damaged_list_of_processes_is_an_empty_one(state: StateFolder, content: str) -> None:
    (state.run / "processes.json").write_text(content)
    assert ProcessRegistry(state).end_leftovers() == []


@pytest.fixture
def stop() -> Iterator[StopRequest]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    stop = StopRequest()
    stop.listen()
    yield stop
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_stop_signal_interrupts_and_the_next_do_not(stop: StopRequest, number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGTERM)
    assert stop.is_received


def test_a_stop_signal_waits_for_the_end_of_what_must_be_whole(stop: StopRequest) -> None:
    done: list[str] = []

    def write_down() -> None:
        with stop.held():
            signal.raise_signal(signal.SIGTERM)
            done.append("written down")

    with pytest.raises(KeyboardInterrupt):
        write_down()
    assert done == ["written down"]


def test_no_signal_breaks_in_once_stopping_has_begun(stop: StopRequest) -> None:
    stop.ignore()
    signal.raise_signal(signal.SIGTERM)
    with stop.held():
        signal.raise_signal(signal.SIGINT)
    assert stop.is_received


def test_of_what_a_check_of_django_found_the_fault_is_told_and_not_its_heading() -> None:
    fault = "?: (tenants.E001) dazbox needs CREATEROLE."
    said = f"SystemCheckError: System check identified some issues:\n\nERRORS:\n{fault}\n\tHINT: Read the docs."
    assert find_complaint(said) == fault
