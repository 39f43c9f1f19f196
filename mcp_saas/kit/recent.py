"""What is dear to find out is found out by one caller at a time, and the others take what he found last."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """One value, found out again when it is older than `ttl_s` seconds. Safe among threads."""

    def __init__(self, *, ttl_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s, self._clock = ttl_s, clock
        self._last: tuple[float, V] | None = None
        self._turn = threading.Lock()

    def find(self, load: Callable[[], V]) -> V:
        """While another caller loads, the last value, however old; before the first one, it is waited for."""
        last = self._last
        if last is not None and (self._is_fresh(last) or not self._turn.acquire(blocking=False)):
            return last[1]
        if last is None:
            self._turn.acquire()
        try:
            return self._load(load)
        finally:
            self._turn.release()

    def forget(self) -> None:
        self._last = None

    def _load(self, load: Callable[[], V]) -> V:
        last = self._last
        if last is None or not self._is_fresh(last):  # nobody was before us
            value = load()
            last = self._last = (self._clock(), value)
        return last[1]

    def _is_fresh(self, last: tuple[float, V]) -> bool:
        return self._clock() < last[0] + self._ttl_s
