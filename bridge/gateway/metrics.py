"""What the gateway counts: plain numbers on the way of a call; `exposition.py` tells them in Prometheus' words."""

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
RECENT_S = 60  # seconds over which a rate is told
MAX_FAULTS = 20  # that are remembered for the status


class Tally:
    """Of one server. `counts` by bucket, the last without a bound."""

    __slots__ = ("counts", "outcomes", "seconds")

    def __init__(self) -> None:
        self.outcomes: dict[str, int] = {}
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.seconds = 0.0

    @property
    def calls(self) -> int:
        return sum(self.outcomes.values())

    def quantile_s(self, share: float) -> float | None:
        """The upper bound of the bucket in which that share of calls has ended; None without calls or beyond the last
        bound.
        """
        wanted, seen = share * self.calls, 0
        for bound_s, count in zip(BOUNDS_S, self.counts, strict=False):
            seen += count
            if seen and seen >= wanted:
                return bound_s
        return None


class Metrics:
    """Of this process. `wall`: seconds since 1970."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self._clock, self._wall = clock, wall
        self.servers: dict[str, Tally] = {}
        self.refusals: dict[str, int] = {}
        self.faults: deque[tuple[float, str, str]] = deque(maxlen=MAX_FAULTS)  # at, server, outcome: no call's content
        self._seconds = [0] * RECENT_S
        self._second = int(clock())

    def note(self, server: str, outcome: str, *, seconds: float) -> None:
        """A call that ended; `outcome` as in the audit."""
        tally = self.servers.get(server)
        if tally is None:
            tally = self.servers[server] = Tally()
        tally.outcomes[outcome] = tally.outcomes.get(outcome, 0) + 1
        tally.counts[bisect_left(BOUNDS_S, seconds)] += 1
        tally.seconds += seconds
        now = int(self._clock())
        if now != self._second:
            self._advance(now)
        self._seconds[now % RECENT_S] += 1
        if outcome in {"timeout", "lost"}:
            self.faults.append((self._wall(), server, outcome))

    def note_refusal(self, kind: str) -> None:
        """Of a request that never became a call of a tool, or did: each refusal once."""
        self.refusals[kind] = self.refusals.get(kind, 0) + 1

    def forget(self, server: str) -> None:
        """One that left the catalogue."""
        self.servers.pop(server, None)

    @property
    def calls_a_second(self) -> float:
        """Over the last minute."""
        self._advance(int(self._clock()))
        return sum(self._seconds) / RECENT_S

    def _advance(self, now: int) -> None:
        """The seconds nobody called in are empty."""
        for second in range(max(self._second + 1, now - RECENT_S + 1), now + 1):
            self._seconds[second % RECENT_S] = 0
        self._second = now
