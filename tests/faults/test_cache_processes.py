"""Many processes ask the cache at once: one makes the value; when it is killed, another does."""

import secrets
import subprocess
import sys

import pytest
from django.conf import settings

from mcp_saas.kit.cache import Cache
from tests.committed import ROOT
from tests.faults.cache_process import KIND, TENANT

pytestmark = pytest.mark.fault
PROCESSES, THREADS = 4, 25
MODULE = "tests.faults.cache_process"


def start(namespace: str, *, threads: int, expected: int, lease_s: float) -> "subprocess.Popen[str]":
    arguments = [settings.ENV.redis_url, namespace, str(threads), str(expected), str(lease_s)]
    command = [sys.executable, "-m", MODULE, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_hundred_misses_of_four_processes_are_made_once() -> None:
    namespace = f"test-{secrets.token_hex(8)}"
    started = [start(namespace, threads=THREADS, expected=PROCESSES * THREADS, lease_s=60) for _ in range(PROCESSES)]
    said = [process.communicate(timeout=120)[0].split() for process in started]
    assert [process.returncode for process in started] == [0] * PROCESSES
    assert sum(lines.count("makes") for lines in said) == 1
    assert [lines.count("made") for lines in said] == [THREADS] * PROCESSES
    counted = (Cache(settings.ENV.redis_url, namespace).read_statistics() or {})[KIND]
    assert (counted.makes, counted.misses, counted.errors) == (1, PROCESSES * THREADS, 0)


def test_the_lock_of_who_was_killed_goes_to_another_when_its_lease_ends() -> None:
    namespace, lease_s = f"test-{secrets.token_hex(8)}", 1.5
    with start(namespace, threads=1, expected=0, lease_s=lease_s) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "makes\n"
        holder.kill()
    made: list[int] = []

    def make() -> bytes:
        made.append(1)
        return b"made by the next"

    cache = Cache(settings.ENV.redis_url, namespace, lease_s=lease_s)
    answer = cache.get_or_make(KIND, TENANT, arguments=None, make=make)
    assert (answer.value, made) == (b"made by the next", [1])
    assert cache.get_or_make(KIND, TENANT, arguments=None, make=make).is_hit
    assert (cache.read_statistics() or {})[KIND].makes == 1
