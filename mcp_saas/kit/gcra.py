"""The generic cell rate algorithm: a quota a window, spread evenly, with bursts up to the whole quota.

The only state of a caller is one instant, the theoretical arrival time ("tat") up to which it has used its share.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Quota:
    """`quota` requests in `window_s` seconds."""

    name: str
    quota: int
    window_s: int

    @property
    def interval_s(self) -> float:
        """What one request costs, in seconds of the window."""
        return self.window_s / self.quota

    def as_arguments(self) -> tuple[int, int]:
        """Of the script in Redis: interval and window in microseconds."""
        window_us = self.window_s * 1_000_000
        return max(1, window_us // self.quota), window_us

    def read_verdict(self, answer: Sequence[int]) -> "Verdict":
        """What the script in Redis said."""
        is_allowed, remaining, reset_us = answer
        return Verdict(bool(is_allowed), min(remaining, self.quota), reset_us / 1_000_000)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass, how many may follow at once, and in how many seconds there is room again."""

    is_allowed: bool
    remaining: int
    reset_s: float


class Toll(NamedTuple):
    """What an answer costs its caller: one request of the quota, counted under this name in Redis."""

    quota: Quota
    counter: str


def judge_arrival(quota: Quota, *, tat_s: float, now_s: float) -> tuple[Verdict, float]:
    """The verdict on a request at `now_s`, and the caller's tat after it."""
    start_s = max(tat_s, now_s)
    used_s = start_s + quota.interval_s - now_s
    room_s = quota.window_s - used_s
    if room_s < -1e-9:  # rounding of instants is no excess
        return Verdict(is_allowed=False, remaining=0, reset_s=-room_s), tat_s
    return Verdict(
        is_allowed=True, remaining=int(room_s / quota.interval_s + 1e-6), reset_s=used_s
    ), start_s + quota.interval_s


class LocalLimiter:
    """Counts in this process alone; of `capacity` callers, those longest silent are forgotten first."""

    def __init__(self, clock: Callable[[], float], *, capacity: int = 10_000) -> None:
        self._clock = clock
        self._capacity = capacity
        self._tats: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = Lock()

    def judge(self, quota: Quota, caller: str) -> Verdict:
        key = (quota.name, caller)
        with self._lock:
            verdict, self._tats[key] = judge_arrival(quota, tat_s=self._tats.get(key, 0.0), now_s=self._clock())
            self._tats.move_to_end(key)
            if len(self._tats) > self._capacity:
                self._tats.popitem(last=False)
        return verdict
