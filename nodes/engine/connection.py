"""How the cloud fares with a node that it reads itself, and when it tries again. Pure."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct

FIRST_PAUSE = dt.timedelta(minutes=2)
LONGEST_PAUSE = dt.timedelta(hours=6)
MAX_DOUBLINGS = 12


class Connection(Struct, frozen=True, kw_only=True):
    """The node's line: when it was last read, and since when and why it cannot be."""

    read_at: dt.datetime | None = None  # last success
    failures: int = 0  # in a row
    failing_since: dt.datetime | None = None
    retry_at: dt.datetime | None = None  # until then nothing is sent
    fault: str | None = None  # the kind of the last failure, a word of `nodes.sources.driver.errors.Fault`
    words: str | None = None  # one line for the owner


class Failure(Struct, frozen=True, kw_only=True):
    """What went wrong, with the decision its driver gave it."""

    fault: str
    words: str
    is_permanent: bool = False
    retry_after_s: float | None = None


def note_success(now: dt.datetime) -> Connection:
    return Connection(read_at=now)


def note_failure(before: Connection, failure: Failure, *, now: dt.datetime, chance: float) -> Connection:
    """Pauses double with each failure in a row, between half and all of it by `chance` (0..1), at most six hours.

    What trying again cannot help waits longest at once; what the node asked for is the least.
    """
    failures = before.failures + 1
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - 1, MAX_DOUBLINGS))
    pause = (LONGEST_PAUSE if failure.is_permanent else longest) * (0.5 + chance / 2)
    return Connection(
        read_at=before.read_at,
        failures=failures,
        failing_since=before.failing_since or now,
        retry_at=now + max(pause, dt.timedelta(seconds=failure.retry_after_s or 0.0)),
        fault=failure.fault,
        words=failure.words,
    )


def may_try(connection: Connection, now: dt.datetime) -> bool:
    """Whether the breaker lets a reading through."""
    return connection.retry_at is None or connection.retry_at <= now


def is_news(before: Connection, after: Connection) -> bool:
    """Whether the owner is told: of the first failure in a row, of another kind of it, and of the end of it."""
    return before.fault != after.fault
