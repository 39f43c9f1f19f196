"""The process `knowledge`: started by a connection, ended by idleness, killed at any moment; what it took it keeps."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mcp_saas.embedded.knowledge.command import SERVICE, address_of, bind_listener, knowledge_command
from mcp_saas.embedded.on_demand import STUCK_S
from mcp_saas.embedded.state import StateFolder, open_state
from mcp_saas.embedded.supervisor import Supervisor
from tests.faults.embedded_instance import eventually, is_running

KEY = "the key of this folder"
TIMEOUT_S = 90.0
SHAPE = {"vectors": {"dense": {"size": 2, "distance": "Cosine"}}}


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with bind_listener() as listener:
        yield listener


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFolder]:
    with open_state(tmp_path / "home") as state:
        yield state


@pytest.fixture
def supervisor(state: StateFolder) -> Iterator[Supervisor]:
    supervisor = Supervisor(state)
    yield supervisor
    supervisor.stop_all()


def hold(
    supervisor: Supervisor, listener: socket.socket, *, idle_s: float | None = None, stuck_s: float = STUCK_S
) -> None:
    folder = supervisor.state.home / SERVICE
    command = knowledge_command(folder, listener, api_key=KEY, environment=os.environ, idle_s=idle_s)
    supervisor.start_on_demand(command, listener, stuck_s=stuck_s)


def ask(listener: socket.socket, method: str, path: str, body: Any = None, *, key: str = KEY) -> httpx.Response:
    url = address_of(listener) + path
    return httpx.request(method, url, json=body, headers={"api-key": key}, timeout=TIMEOUT_S, trust_env=False)


def pid_of(state: StateFolder) -> int:
    """Zero when it does not run."""
    running = [record.pid for record in supervisor_records(state) if is_running(record.pid)]
    return running[0] if running else 0


def supervisor_records(state: StateFolder) -> list[Any]:
    from mcp_saas.embedded.registry import ProcessRegistry

    return [record for record in ProcessRegistry(state).read() if record.name == SERVICE]


def write_points(listener: socket.socket, *numbers: int) -> None:
    points = [{"id": number, "vector": {"dense": [1.0, number]}} for number in numbers]
    answer = ask(listener, "PUT", "/collections/kb/points?wait=true", {"points": points})
    assert answer.status_code == 200, answer.text


def count_points(listener: socket.socket) -> int:
    return int(ask(listener, "POST", "/collections/kb/points/count", {"exact": True}).json()["result"]["count"])


def test_nothing_runs_until_somebody_connects(
    supervisor: Supervisor, listener: socket.socket, state: StateFolder
) -> None:
    hold(supervisor, listener)
    assert supervisor_records(state) == []
    assert ask(listener, "GET", "/").json()["title"].startswith("qdrant")
    assert pid_of(state) > 0


def test_it_ends_when_nobody_asks_and_the_next_connection_finds_all_it_took(
    supervisor: Supervisor, listener: socket.socket, state: StateFolder
) -> None:
    hold(supervisor, listener, idle_s=0.5)
    ask(listener, "PUT", "/collections/kb", SHAPE)
    write_points(listener, 1, 2, 3)
    first = pid_of(state)

    assert eventually(lambda: not is_running(first))
    assert count_points(listener) == 3
    assert pid_of(state) not in {0, first}


def test_nothing_acknowledged_is_lost_when_it_is_killed_and_the_next_request_works(
    supervisor: Supervisor, listener: socket.socket, state: StateFolder
) -> None:
    hold(supervisor, listener)
    ask(listener, "PUT", "/collections/kb", SHAPE)
    for number in range(50):
        write_points(listener, 2 * number, 2 * number + 1)
    os.kill(pid_of(state), signal.SIGKILL)

    assert count_points(listener) == 100


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how many wait")
def test_it_is_replaced_where_it_hangs_and_who_waits_is_answered(
    supervisor: Supervisor, listener: socket.socket, state: StateFolder
) -> None:
    hold(supervisor, listener, stuck_s=3.0)
    ask(listener, "PUT", "/collections/kb", SHAPE)
    write_points(listener, 1, 2, 3)
    hanging = pid_of(state)
    os.kill(hanging, signal.SIGSTOP)

    assert count_points(listener) == 3
    assert not is_running(hanging)


def test_a_stop_leaves_no_process_and_nobody_answers_any_more(
    supervisor: Supervisor, listener: socket.socket, state: StateFolder
) -> None:
    hold(supervisor, listener)
    ask(listener, "GET", "/")
    url, running = address_of(listener), pid_of(state)

    supervisor.stop_all()

    assert not is_running(running)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


def test_a_second_process_on_the_same_folder_is_refused_in_plain_words(
    supervisor: Supervisor, listener: socket.socket
) -> None:
    hold(supervisor, listener)
    ask(listener, "GET", "/")
    with bind_listener() as other:
        folder = supervisor.state.home / SERVICE
        command = knowledge_command(folder, other, api_key=KEY, environment=os.environ, idle_s=None)
        refused = subprocess.run(
            command.argv, env=command.environment, cwd=command.folder, pass_fds=command.descriptors,
            capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
        )  # fmt: skip
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"An instance already runs on {folder}")
    assert "\n" not in refused.stderr.strip()


def test_another_user_of_the_machine_gets_nothing_without_the_key(
    supervisor: Supervisor, listener: socket.socket
) -> None:
    hold(supervisor, listener)
    assert ask(listener, "GET", "/collections", key="a guess").status_code == 401
    assert ask(listener, "GET", "/embed/health", key="").status_code == 401
    port = listener.getsockname()[1]
    assert httpx.get(f"http://:{KEY}@127.0.0.1:{port}/collections", trust_env=False).status_code == 200


def test_a_killed_draft_of_a_collection_is_no_collection(
    supervisor: Supervisor, listener: socket.socket, state: StateFolder
) -> None:
    draft = state.home / SERVICE / "collections" / ".kb.new"
    draft.mkdir(parents=True)
    (draft / "shape.json").write_text("{}")
    hold(supervisor, listener)
    assert ask(listener, "GET", "/collections").json()["result"] == {"collections": []}
    assert ask(listener, "PUT", "/collections/kb", SHAPE).json()["result"] is True
