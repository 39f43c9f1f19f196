"""The product's worker as a process of its own, on the database of this test run and a broker database of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import redis
from celery import Celery
from django.conf import settings

from mcp_saas.embedded.environment import celery_url
from tests.committed import ROOT, child_environment
from tests.engines import shift_redis_database
from tests.faults.embedded_instance import DEADLINE_S, eventually

START_S = 90.0  # it imports the whole product, beside whatever else this machine does
LOST_AFTER_S = 1  # the work of the dead comes to another, which by Celery's choice takes ten seconds
BROKER_DATABASE = 9  # that many on from the one of this test run: nothing else uses it


@dataclass(frozen=True)
class Worker:
    """`celery worker -c 2 -B`, the address of its broker, a client of it, and the store behind it."""

    broker: str
    app: Celery
    log_path: Path
    store: Any

    @property
    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8")

    def reaches(self, state: Callable[[], bool], *, seconds: float = DEADLINE_S) -> bool:
        """Waits for it; says what the worker said last where it does not come."""
        is_reached = eventually(state, seconds=seconds)
        print(self.log[-3_000:] if not is_reached else "")
        return is_reached

    def kill_children(self) -> None:
        """kill -9 of all processes of the pool, busy or not: whoever stands in the midst of something is among them.
        Who is busy with what Celery learns late, and it goes on naming the dead for a while.
        """
        children: list[int] = []

        def ask() -> bool:
            for told in (self.app.control.inspect(timeout=2).stats() or {}).values():
                children.extend(told["pool"]["processes"])
            return children != []

        assert self.reaches(ask)
        for child in children:
            with suppress(ProcessLookupError):  # the dead of a test before
                os.kill(child, signal.SIGKILL)


@contextmanager
def running_worker(folder: Path, *, include: str = "", **variables: str) -> Iterator[Worker]:
    """`folder` takes its log and beat's notes; `include` names a module of tasks beside the product's own; `variables`
    are added to its environment.
    """
    redis_url = shift_redis_database(settings.ENV.redis_url, BROKER_DATABASE)
    broker = celery_url(redis_url)
    with redis.Redis.from_url(redis_url) as store:
        store.flushdb()
        with worker_process(folder, include=include, broker=broker, **variables), client_of(broker) as client:
            yield Worker(broker, client, folder / "log", store)
        store.flushdb()


@contextmanager
def worker_process(folder: Path, *, include: str, broker: str, **variables: str) -> Iterator[None]:
    log_path = folder / "log"
    command = [
        sys.executable, "-m", "celery", "-A", "mcp_saas.celery", "worker", "-B", "-c", "2", "--loglevel", "INFO",
        "--schedule", str(folder / "beat"), "--without-gossip", "--without-mingle", "--without-heartbeat",
        *(("--include", include) if include else ()), f"worker.lost_wait={LOST_AFTER_S}",
    ]  # fmt: skip
    environment = child_environment(
        CELERY_BROKER_URL=broker, DJANGO_SETTINGS_MODULE="mcp_saas.settings.test", **variables
    )
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    family = psutil.Process(process.pid)
    try:
        assert eventually(lambda: b" ready." in log_path.read_bytes(), seconds=START_S), log_path.read_text()
        yield
    finally:
        for leftover in (family, *family.children(recursive=True)):  # the parent first: it would replace its children
            with suppress(psutil.NoSuchProcess):
                leftover.kill()
        process.wait(60)


def client_of(broker: str) -> Celery:
    """Both addresses are named: Celery takes a bare broker_url from the environment first."""
    app = Celery(set_as_current=False)
    app.conf.update(broker_read_url=broker, broker_write_url=broker)
    return app
