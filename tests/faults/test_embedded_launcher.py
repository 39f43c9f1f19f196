"""The launcher as a process: ready, stopped, killed, started twice, stopped while starting; nothing is left running."""

import http.client
import json
import os
import pty
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults import embedded_instance
from tests.faults.embedded_instance import (
    DEADLINE_S,
    discard_home,
    eventually,
    kill_processes_of,
    launcher,
    launcher_environment,
    processes_of,
)

NEVER_PREPARED = "import signal; print('preparing', flush=True); signal.pause()"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    discard_home(tmp_path / "home")


def is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/api/v1/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def await_ready(home: Path) -> dict[str, object]:
    assert eventually((home / "run.json").exists)
    found: dict[str, object] = json.loads((home / "run.json").read_text())
    return found


def registered(home: Path, name: str) -> int:
    """The process number; 0 while it is dead."""
    records = json.loads((home / "run" / "processes.json").read_text())
    return next((int(record["pid"]) for record in records if record["name"] == name), 0)


def end(process: subprocess.Popen[str], *signals: signal.Signals) -> tuple[int, str, str]:
    for number in signals:
        process.send_signal(number)
    out, err = process.communicate(timeout=DEADLINE_S)
    return process.returncode, out, err


def test_when_ready_it_says_how_to_go_on_and_a_stop_leaves_nothing_running(home: Path, port: int) -> None:
    with launcher(home, port) as process:
        info = await_ready(home)
        assert is_healthy(port)
        assert stat.S_IMODE((home / "run.json").stat().st_mode) == 0o600
        assert set(info) == {"api", "mcp", "admin", "provisioning", "dazboxes"}
        assert info["api"] == f"http://127.0.0.1:{port}/api/v1"
        names = ["postgres", "valkey", "web", "worker"]
        assert len({registered(home, name) for name in names}) == len(names)
        code, out, err = end(process, signal.SIGTERM)
        assert (code, err) == (0, "")
        assert f"http://127.0.0.1:{port}/api/v1" in out
        assert "operator  admin-password" in out
        assert "\x1b" not in out
        assert processes_of(home) == []
        assert not (home / "run.json").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_end_of_its_terminal_stops_it_like_any_stop_signal(home: Path, port: int, number: signal.Signals) -> None:
    own, theirs = pty.openpty()
    with launcher(home, port, output=theirs) as process:
        os.close(theirs)
        await_ready(home)
        os.close(own)  # what it says from here on is an input/output error
        process.send_signal(number)
        assert process.wait(DEADLINE_S) == 0
        assert processes_of(home) == []


def test_a_closed_terminal_stops_it_also_where_make_leads_the_session(home: Path, port: int, tmp_path: Path) -> None:
    """A terminal window that runs `make run` and nothing else: the system's SIGHUP reaches make alone."""
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"run:\n\t@exec {sys.executable} {embedded_instance.__file__}\n")
    leader, terminal = pty.fork()
    if leader == 0:
        os.execvpe("make", ["make", "-f", str(makefile)], launcher_environment(home, port))  # noqa: S606
    try:
        await_ready(home)
        os.close(terminal)
        assert eventually(lambda: processes_of(home) == [])
    finally:
        kill_processes_of(home)
        os.waitpid(leader, 0)


def test_a_second_signal_while_stopping_changes_nothing(home: Path, port: int) -> None:
    with launcher(home, port) as process:
        await_ready(home)
        code, _out, err = end(process, signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGINT)
        assert (code, err) == (0, "")
        assert processes_of(home) == []


def test_a_signal_during_the_start_stops_what_was_started(home: Path, port: int) -> None:
    with launcher(home, port, PREPARE=NEVER_PREPARED) as process:
        log = home / "log" / "prepare.log"
        assert eventually(lambda: log.exists() and log.read_text() == "preparing\n")
        code, _out, err = end(process, signal.SIGINT)
        assert (code, err) == (0, "")
        assert processes_of(home) == []


def test_after_a_kill_the_next_start_recovers_by_itself(home: Path, port: int) -> None:
    with launcher(home, port) as killed:
        await_ready(home)
        postgres = registered(home, "postgres")
        (home / "run.json").unlink()
        killed.kill()
        killed.wait()
        with launcher(home, port) as process:
            await_ready(home)
            assert is_healthy(port)
            assert registered(home, "postgres") != postgres
            assert end(process, signal.SIGTERM)[0] == 0
        assert processes_of(home) == []


def test_it_goes_on_when_nobody_reads_along_any_more(home: Path, port: int) -> None:
    with launcher(home, port) as process:
        assert process.stdout is not None
        process.stdout.close()
        await_ready(home)
        assert is_healthy(port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert processes_of(home) == []
        process.stdout = None


def test_a_second_launch_on_the_same_folder_is_refused_and_the_first_goes_on(home: Path, port: int) -> None:
    with launcher(home, port) as process:
        await_ready(home)
        with launcher(home, port + 1) as second:
            code, _out, err = end(second)
            assert code == 1
            assert err.startswith(f"An instance already runs on {home} (process {process.pid}): stop it with Ctrl-C")
            assert err.count("\n") == 1
            assert is_healthy(port)
            assert (home / "run.json").exists()


def test_a_port_in_use_is_told_before_anything_is_started(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with launcher(home, port) as process:
            code, _out, err = end(process)
    assert code == 2
    assert err.startswith(f"Port {port} is in use: choose another with `make run PORT=")
    assert err.count("\n") == 1
    assert list((home / "log").iterdir()) == []


def test_a_failed_preparation_stops_everything_and_says_where_to_read(home: Path, port: int) -> None:
    with launcher(home, port, PREPARE="raise SystemExit('Error: a migration is broken')") as process:
        code, _out, err = end(process)
    log = home / "log" / "prepare.log"
    assert (code, err) == (1, f"prepare stopped with exit code 1 (Error: a migration is broken); see {log}\n")
    assert processes_of(home) == []


def test_processes_that_are_killed_are_started_anew(home: Path, port: int) -> None:
    names = ("web", "valkey", "postgres")
    with launcher(home, port) as process:
        await_ready(home)
        before = {name: registered(home, name) for name in names}
        for pid in before.values():
            psutil.Process(pid).kill()
        assert eventually(lambda: all(registered(home, name) not in {0, before[name]} for name in names))
        assert eventually(lambda: is_healthy(port))
        code, out, err = end(process, signal.SIGTERM)
    assert (code, err) == (0, "")
    for name in names:
        assert f"{name} stopped with exit code -9" in out
    assert out.count("started again in 1 s") == len(names)
    assert processes_of(home) == []
