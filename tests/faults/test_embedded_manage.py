"""`make manage` beside a running instance: manage.py gets what its processes have; where nothing runs, one line."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.embedded_instance import DEADLINE_S, discard_home, eventually, launcher, launcher_environment

WHERE = "from django.db import connection as c; c.ensure_connection(); print('host', c.settings_dict['HOST'])"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    discard_home(tmp_path / "home")


def manage(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As in another terminal: the folder's name is all that is known there."""
    environment = launcher_environment(home, 1)
    command = [sys.executable, "-m", "mcp_saas.embedded.manage", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)


def test_a_command_reaches_the_database_of_the_instance_that_runs(home: Path, port: int) -> None:
    with launcher(home, port) as process:
        assert eventually((home / "run.json").exists)
        done = manage(home, "shell", "--no-imports", "--command", WHERE)
        assert (done.returncode, done.stderr) == (0, "")
        assert "host /" in done.stdout  # a socket of its own
        refused = manage(home, "no_such_command")
        assert refused.returncode == 1
        assert "no_such_command" in refused.stderr
        process.terminate()
        assert process.wait(DEADLINE_S) == 0
    stopped = manage(home, "check")
    assert (stopped.returncode, stopped.stdout) == (1, "")
    assert stopped.stderr.startswith(f"Nothing runs on {home}: start it with `make run`")
    assert stopped.stderr.count("\n") == 1


def test_a_folder_that_was_never_used_is_told_and_not_made(home: Path) -> None:
    told = manage(home, "check")
    assert told.returncode == 1
    assert f"Nothing runs on {home}" in told.stderr
    assert not home.exists()


def test_a_number_that_now_belongs_to_a_stranger_is_not_asked(home: Path) -> None:
    (home / "run").mkdir(parents=True)
    record = '{"name": "worker", "pid": 1, "created_at_s": 1.0, "stop_signal": 15, "patience_s": 8.0}'
    (home / "run" / "processes.json").write_text(f"[{record}]")
    assert "Nothing runs on" in manage(home, "check").stderr
