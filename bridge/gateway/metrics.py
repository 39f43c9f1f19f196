"""What the gateway counts: plain numbers on the way of a call, put into Prometheus' words when they are read."""

from bisect import bisect_left

from msgspec import Struct

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Tally(Struct):
    """Of one server."""

    outcomes: dict[str, int]
    buckets: list[int]
    seconds: float = 0.0


class Metrics:
    """Of this process."""

    def __init__(self) -> None:
        self.servers: dict[str, Tally] = {}
        self.refusals: dict[str, int] = {}

    def note(self, server: str, outcome: str, *, seconds: float) -> None:
        """A call that ended; `outcome` as in the audit, without the kind of a refusal."""
        tally = self.servers.get(server)
        if tally is None:
            tally = self.servers[server] = Tally({}, [0] * (len(BUCKETS_S) + 1))
        tally.outcomes[outcome] = tally.outcomes.get(outcome, 0) + 1
        tally.buckets[bisect_left(BUCKETS_S, seconds)] += 1
        tally.seconds += seconds

    def note_refusal(self, kind: str) -> None:
        self.refusals[kind] = self.refusals.get(kind, 0) + 1
