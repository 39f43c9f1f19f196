"""A number of this process that threads add to."""

import threading


class Counter:
    """Named as Prometheus names counters: `<what>_total`."""

    def __init__(self, name: str, description: str) -> None:
        self.name = name
        self.description = description
        self._value = 0
        self._lock = threading.Lock()

    def add(self, count: int = 1) -> None:
        with self._lock:
            self._value += count

    @property
    def value(self) -> int:
        return self._value
