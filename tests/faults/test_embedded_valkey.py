"""Valkey: behind a private socket and a password, its data kept through a stop and a kill."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psutil
import pytest
import redis
from kombu import Connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from mcp_saas.embedded.environment import celery_url
from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.registry import ProcessRegistry
from mcp_saas.embedded.state import StateFolder, open_state
from mcp_saas.embedded.supervisor import Supervisor
from mcp_saas.embedded.valkey import start_valkey
from tests.faults.embedded_instance import eventually, is_running


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFolder]:
    with open_state(tmp_path / "a home, with spaces") as state:
        yield state


@pytest.fixture
def supervisor(state: StateFolder) -> Iterator[Supervisor]:
    supervisor = Supervisor(state)
    yield supervisor
    supervisor.stop_all()


def pid_of(state: StateFolder) -> int:
    [record] = ProcessRegistry(state).read()
    return record.pid


def test_only_the_password_opens_it_and_only_through_the_socket(state: StateFolder, supervisor: Supervisor) -> None:
    url = start_valkey(state, supervisor)
    parts = urlsplit(url)
    path = Path(unquote(parts.path))
    with redis.Redis.from_url(url) as client:
        assert client.ping()
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-lru"}
    once = Retry(NoBackoff(), 0)
    with redis.Redis(unix_socket_path=str(path), retry=once) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    process = psutil.Process(pid_of(state))
    assert path.stat().st_mode & 0o777 == 0o700
    assert process.net_connections(kind="inet") == []
    assert parts.password is not None
    assert parts.password not in " ".join(process.cmdline())


def test_celery_sends_and_receives_with_the_password_over_the_socket(
    state: StateFolder, supervisor: Supervisor
) -> None:
    with Connection(celery_url(start_valkey(state, supervisor))) as connection:
        queue = connection.SimpleQueue("errands")
        queue.put({"box": 7})
        message = queue.get(timeout=60)
        message.ack()
        queue.close()
    assert message.payload == {"box": 7}


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_written_is_there_after_its_process_ended(
    state: StateFolder, supervisor: Supervisor, end: signal.Signals
) -> None:
    with redis.Redis.from_url(start_valkey(state, supervisor)) as client:
        client.set("kept", "yes")
    pid = pid_of(state)
    os.kill(pid, end)
    assert eventually(lambda: not is_running(pid))
    supervisor.stop_all()
    with redis.Redis.from_url(start_valkey(state, supervisor)) as client:
        assert client.get("kept") == b"yes"


def test_a_broken_data_file_stops_the_start_with_the_log_named(state: StateFolder, supervisor: Supervisor) -> None:
    start_valkey(state, supervisor)
    supervisor.stop_all()
    [manifest] = (state.home / "valkey" / "appendonlydir").glob("*.manifest")
    manifest.write_text("not a manifest\n")
    with pytest.raises(LaunchError, match=r"^valkey stopped with exit code 1 \(.+\); see .+/log/valkey\.log$"):
        start_valkey(state, supervisor)
