"""A bounded cache of one process whose values are never older than its time to live."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

TRUSTED_S = 4.0  # what is revoked is refused everywhere within 5 s: a second is left for the request that asks

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TtlCache(Generic[K, V]):
    """Keeps at most `max_entries`; the oldest goes first. Safe among threads."""

    def __init__(
        self, *, max_entries: int, ttl_s: float = TRUSTED_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_entries, self._ttl_s, self._clock = max_entries, ttl_s, clock
        self._entries: dict[K, tuple[float, V]] = {}  # in the order of age: dicts keep insertion order
        self._lock = threading.Lock()

    def find(self, key: K) -> V | None:
        entry = self._entries.get(key)
        return entry[1] if entry and self._clock() < entry[0] else None

    def find_or_load(self, key: K, load: Callable[[], V | None]) -> V | None:
        """The value of `key`; what `load` returns is kept unless it is None."""
        found = self.find(key)
        if found is not None:
            return found
        read_at = self._clock()  # before the loading: what comes late is old already
        loaded = load()
        if loaded is not None:
            self.keep(key, loaded, read_at=read_at)
        return loaded

    def keep(self, key: K, value: V, *, read_at: float | None = None) -> None:
        expires_at = (self._clock() if read_at is None else read_at) + self._ttl_s
        with self._lock:
            self._entries.pop(key, None)
            while len(self._entries) >= self._max_entries:
                del self._entries[next(iter(self._entries))]
            self._entries[key] = (expires_at, value)

    def forget(self, key: K) -> None:
        with self._lock:
            self._entries.pop(key, None)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)
