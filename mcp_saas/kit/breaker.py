"""A switch before a system that may be down: after some failures in a row nobody waits for it for a while."""

import math
import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

FAILURES = 5
REST_S = 30.0
MAX_BREAKERS = 10_000
K = TypeVar("K", bound=Hashable)


class Breaker:
    """Closed until `failures` in a row, or some in a row that took `lost_s` seconds together; then open for `rest_s`
    seconds. After that one caller a rest tries: its success closes it, its failure opens it again. Safe among threads.
    """

    def __init__(
        self,
        *,
        failures: int = FAILURES,
        rest_s: float = REST_S,
        lost_s: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit, self._rest_s, self._most_lost_s, self._clock = failures, rest_s, lost_s, clock
        self._failed, self._lost_s = 0, 0.0
        self._next_try_at_s = 0.0
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether it rests; asking changes nothing."""
        return self._is_tripped and self._clock() < self._next_try_at_s

    @property
    def is_half_open(self) -> bool:
        """Whether it has rested: the next caller tries."""
        return self._is_tripped and self._clock() >= self._next_try_at_s

    @property
    def has_failed(self) -> bool:
        """Whether the last attempt did."""
        return self._failed > 0

    def allow(self) -> bool:
        """Whether the caller may try. Whoever may tells how it went, by `note_success` or `note_failure`."""
        if not self._failed:
            return True
        with self._lock:
            if not self._is_tripped:
                return True
            if self._clock() < self._next_try_at_s:
                return False
            self._next_try_at_s = self._clock() + self._rest_s  # the others wait for this one's outcome
            return True

    def note_success(self) -> None:
        if self._failed:
            with self._lock:
                self._failed, self._lost_s = 0, 0.0

    def note_failure(self, took_s: float = 0.0) -> None:
        """`took_s`: how long somebody waited for it."""
        with self._lock:
            self._failed += 1
            self._lost_s += took_s
            self._next_try_at_s = self._clock() + self._rest_s

    @property
    def _is_tripped(self) -> bool:
        return self._failed >= self._limit or self._lost_s >= self._most_lost_s


class Breakers(Generic[K]):
    """One breaker for each system, made when it is first asked for. Bounded: the oldest goes first."""

    def __init__(self, make: Callable[[], Breaker] = Breaker) -> None:
        self._make = make
        self._breakers: dict[K, Breaker] = {}
        self._lock = threading.Lock()

    def find(self, key: K) -> Breaker:
        with self._lock:
            breaker = self._breakers.get(key)
            if breaker is None:
                while len(self._breakers) >= MAX_BREAKERS:
                    del self._breakers[next(iter(self._breakers))]
                breaker = self._breakers[key] = self._make()
            return breaker
