"""Room on the disks an instance writes to. A full one is told in one line, whoever stumbled over it."""

import contextlib
import errno
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from mcp_saas.embedded.errors import CHOOSE_ANOTHER, LaunchError

NEEDED_BYTES = 500_000_000  # to start with
LAST_BYTES = 32_000_000  # what PostgreSQL's last checkpoint gets: below, we stop while everything can still be stored
FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT}
FULL_WORDS = re.compile(r"No space left on device|Disk quota exceeded|disk full", re.IGNORECASE)


class DiskUser(Protocol):
    @property
    def disks(self) -> list[Path]:
        """A folder on every disk that is written to."""


class DiskFullError(LaunchError):
    def __init__(self, folder: Path) -> None:
        super().__init__(f"The disk of {folder} is full: free some space and start again; what was stored is kept")


def check_free_space(folder: Path, *, needed_bytes: int = NEEDED_BYTES) -> None:
    """Raises LaunchError."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        free_mb, needed_mb = free_bytes // 1_000_000, needed_bytes // 1_000_000
        raise LaunchError(
            f"Only {free_mb} MB free on the disk of {folder}, {needed_mb} MB needed: free some, or {CHOOSE_ANOTHER}"
        )


def check_not_full(folders: list[Path]) -> None:
    """Raises DiskFullError."""
    for folder in folders:
        if shutil.disk_usage(folder).free < LAST_BYTES:
            raise DiskFullError(folder)


@contextlib.contextmanager
def full_disk_told(state: "DiskUser") -> Iterator[None]:
    """Whatever went wrong inside, a full disk is why: raises DiskFullError then."""
    try:
        yield
    except (LaunchError, OSError) as error:
        check_not_full(state.disks)
        if speaks_of_full_disk(error):
            raise DiskFullError(state.disks[0]) from error
        raise


def speaks_of_full_disk(error: Exception) -> bool:
    """True also for what a child complained of before it died."""
    return (isinstance(error, OSError) and error.errno in FULL_ERRNOS) or bool(FULL_WORDS.search(str(error)))
