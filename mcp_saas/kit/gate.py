"""So many at once and no more: whoever finds no place is told at once, instead of holding a thread up behind others."""

import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Gate(Generic[K]):
    """`places` in all, `each` for one key; of this process. Safe among threads."""

    def __init__(self, *, places: int, each: int) -> None:
        self._places, self._each = places, each
        self._inside: Counter[K] = Counter()
        self._freed = threading.Condition()

    @contextmanager
    def enter(self, key: K, *, wait_s: float = 0.0) -> Iterator[bool]:
        """Whether there was a place, within so many seconds. Without one nothing is taken and nothing given back."""
        with self._freed:
            is_in = self._freed.wait_for(lambda: self._has_room(key), wait_s)
            self._inside[key] += is_in
        try:
            yield is_in
        finally:
            self._leave(key, is_in=is_in)

    def _has_room(self, key: K) -> bool:
        return self._inside[key] < self._each and self._inside.total() < self._places

    def _leave(self, key: K, *, is_in: bool) -> None:
        with self._freed:
            self._inside[key] -= is_in
            if not self._inside[key]:
                del self._inside[key]
            self._freed.notify_all()
