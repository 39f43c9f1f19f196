"""A web process of its own on the database of the test run, started as an instance starts it; it can be killed."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import IO

import httpx
import psutil

from mcp_saas.embedded.product import web_command
from tests.committed import child_environment
from tests.faults.embedded_instance import eventually


class WebProcess:
    """granian with its worker, in a session of their own."""

    def __init__(self, *, log: IO[bytes] | int = subprocess.DEVNULL, **variables: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = int(server.getsockname()[1])
        environment = child_environment(PORT=str(self.port), **variables)
        command = web_command(SimpleNamespace(environment=environment))  # type: ignore[arg-type]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = subprocess.Popen(
            command.argv,
            cwd=command.folder,
            env=command.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def await_answers(self) -> None:
        assert eventually(self._answers, seconds=90)

    def _answers(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/nope", trust_env=False).status_code == 404
        return False

    def measure_pss_mb(self) -> float:
        """What it and its worker have in memory, shared pages by halves. Linux only."""
        process = psutil.Process(self._process.pid)
        return sum(one.memory_full_info().pss for one in (process, *process.children(recursive=True))) / 2**20

    def measure_cpu_s(self) -> float:
        """What it and its worker have used so far."""
        return measure_cpu_s(self._process.pid)

    def kill(self) -> None:
        """kill -9 of the whole session."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(60)


def measure_cpu_s(pid: int) -> float:
    """What a process and its children have used so far."""
    process = psutil.Process(pid)
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(one.user + one.system for one in times)


@contextmanager
def web_process(*, log: IO[bytes] | int = subprocess.DEVNULL, **variables: str) -> Iterator[WebProcess]:
    web = WebProcess(log=log, **variables)
    try:
        web.await_answers()
        yield web
    finally:
        web.kill()
