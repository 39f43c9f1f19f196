"""One agent at a home: two would write the same actions, each believing that it began them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nodes.agent.errors import HomeError

LOCK_FILE = "agent.lock"


@contextmanager
def lock_home(home: Path) -> Iterator[None]:
    """For one round. Raises HomeError while another agent is at one, OSError. Whatever ends the process frees it."""
    descriptor = os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HomeError(f"{home}: another agent is at work here, wait for it or stop it") from None
        yield
    finally:
        os.close(descriptor)
