"""Keys in a folder, one a file, each named by the instant (UTC) from which it is used.

A key is put there some time before, so that every process has read it before the first thing made with it goes round:
publish first, use later. No restart, no coordination.
"""

import datetime as dt
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from mcp_saas.kit.ttl_cache import TRUSTED_S

log = structlog.get_logger(__name__)
REREAD_S = TRUSTED_S  # how often a process looks whether the keys changed
PUBLISHED_FOR = dt.timedelta(seconds=60)  # before a new key is used: many times REREAD_S, clocks may differ
FILE_NAME = "%Y%m%dT%H%M%S%f"


Ring = TypeVar("Ring")
Key = TypeVar("Key")


class KeyFolder(Generic[Ring]):
    """The ring that `read` makes of a folder as it is now, at most `reread_s` seconds late. Safe among threads."""

    def __init__(
        self,
        folder: Path,
        *,
        read: Callable[[Path], Ring],
        faults: tuple[type[Exception], ...],
        reread_s: float = REREAD_S,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._folder, self._read = folder, read
        self._faults: tuple[type[Exception], ...] = (OSError, *faults)
        self._reread_s, self._clock = reread_s, clock
        self._lock = threading.Lock()
        self._ring: Ring | None = None
        self._stamp: object = None
        self._look_at = 0.0

    def read_ring(self) -> Ring:
        """Raises what `read` raises at the first look; later a folder gone bad is logged, and the last ring stays."""
        ring = self._ring
        if ring is not None and (self._clock() < self._look_at or self._lock.locked()):
            return ring  # fresh enough, or somebody is looking already
        with self._lock:
            return self._look()

    def _look(self) -> Ring:
        self._look_at = self._clock() + self._reread_s
        try:
            stamp = _stamp_of(self._folder)
            if self._ring is None or stamp != self._stamp:
                self._ring, self._stamp = self._read(self._folder), stamp
        except self._faults as error:
            if self._ring is None:
                raise
            log.warning("keys_unreadable", folder=str(self._folder), error=str(error))
        return self._ring


def list_key_files(folder: Path, suffix: str) -> list[Path]:
    """Oldest first; none where there is no such folder."""
    return sorted(folder.glob(f"*{suffix}")) if folder.is_dir() else []


def write_key_file(folder: Path, content: bytes, *, suffix: str, used_from: dt.datetime) -> Path:
    """Readable by this user alone. It appears whole, so that nobody reads half of it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{used_from.astimezone(dt.UTC):{FILE_NAME}}{suffix}"
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600, exist_ok=False)
    draft.write_bytes(content)
    return draft.replace(path)


def read_instant(path: Path) -> dt.datetime:
    """From when on the key of this file is used. Raises ValueError for another name."""
    return dt.datetime.strptime(path.stem, FILE_NAME).replace(tzinfo=dt.UTC)


def choose_key(keys: Sequence[Key], now: dt.datetime, *, used_from: Callable[[Key], dt.datetime]) -> Key:
    """The newest whose instant has come; the oldest when none has. `keys`: oldest first, at least one."""
    return next((key for key in reversed(keys) if used_from(key) <= now), keys[0])


def _stamp_of(folder: Path) -> frozenset[tuple[str, int, int]]:
    """Differs when a file was added, removed or replaced."""
    found = ((path.name, path.stat()) for path in folder.glob("*") if path.suffix != ".draft")
    return frozenset((name, status.st_mtime_ns, status.st_ino) for name, status in found)
