"""A number of this process that threads add to, and that Prometheus reads of all processes together."""

import threading

from prometheus_client import Counter as Exported

from mcp_saas.kit.metrics import REGISTRY


class Counter:
    """Named as Prometheus names counters: `<what>_total`."""

    def __init__(self, name: str, description: str) -> None:
        self.name = name
        self.description = description
        self._value = 0
        self._lock = threading.Lock()
        self._exported = Exported(f"dazbox_{name}", description, registry=REGISTRY)

    def add(self, count: int = 1) -> None:
        with self._lock:
            self._value += count
        self._exported.inc(count)

    @property
    def value(self) -> int:
        """Of this process."""
        return self._value
