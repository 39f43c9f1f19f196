"""Who failed a moment ago is not asked again at once: others wait for the answer."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

CAPACITY = 10_000


class Rests:
    """Of this process. Bounded: the oldest goes first. Safe among threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until_s: OrderedDict[Hashable, float] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, key: Hashable, seconds: float) -> None:
        with self._lock:
            self._until_s[key] = self._clock() + seconds
            self._until_s.move_to_end(key)
            if len(self._until_s) > CAPACITY:
                self._until_s.popitem(last=False)

    def find_left_s(self, key: Hashable) -> float:
        """0: none."""
        return max(0.0, self._until_s.get(key, 0.0) - self._clock())

    def clear(self) -> None:
        with self._lock:
            self._until_s.clear()
