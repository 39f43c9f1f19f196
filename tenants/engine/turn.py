"""When a box has its turn: by the cron expression of its owner, or once a period at a moment given by its id."""

import datetime as dt
import hashlib
from itertools import islice, pairwise, takewhile
from uuid import UUID

from cronsim import CronSim, CronSimError

from mcp_saas.kit.zone import find_zone

SHORTEST_INTERVAL = dt.timedelta(minutes=10)
JITTER = SHORTEST_INTERVAL  # thousands of boxes with `0 * * * *` do not fall due together, nor two turns of one box
TURNS_CHECKED = 500
FIELDS = 5  # minute, hour, day of the month, month, day of the week
FURTHEST = dt.timedelta(days=10 * 366)
NEVER = "this never comes"


class TurnError(ValueError):
    """A schedule nobody can keep. `field` says which part of it."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


def find_turn(box_id: UUID, after: dt.datetime, *, cron: str, time_zone: str) -> dt.datetime:
    """The first turn of the box after a moment: a time of the expression, and up to ten minutes, always the same for
    the box. Raises TurnError.
    """
    jitter = _spread(box_id, int(JITTER.total_seconds()))
    time = next(_list_times(cron, time_zone, after=after - jitter), None)
    if time is None:
        raise TurnError("cron", NEVER)
    return time + jitter


def find_period_turn(box_id: UUID, after: dt.datetime, *, period_s: int) -> dt.datetime:
    """Turns stand still in time, however late or early a cycle ran; thousands of boxes never fall due together."""
    offset_s = int(_spread(box_id, period_s).total_seconds())
    turn = (int(after.timestamp()) - offset_s) // period_s + 1
    return dt.datetime.fromtimestamp(turn * period_s + offset_s, dt.UTC)


def check_turns(*, cron: str, time_zone: str, now: dt.datetime) -> None:
    """Raises TurnError for an expression or zone that is none, that never comes or comes too often."""
    soon = takewhile(lambda time: time < now + FURTHEST, _list_times(cron, time_zone, after=now))
    times = list(islice(soon, TURNS_CHECKED))
    if not times:
        raise TurnError("cron", NEVER)
    if any(later - earlier < SHORTEST_INTERVAL for earlier, later in pairwise(times)):
        minutes = int(SHORTEST_INTERVAL.total_seconds() // 60)
        raise TurnError("cron", f"two turns are less than {minutes} minutes apart: leave at least as much between them")


def _list_times(cron: str, time_zone: str, *, after: dt.datetime) -> "Times":
    try:
        zone = find_zone(time_zone)
    except ValueError:
        raise TurnError("time_zone", "no time zone of the IANA database, as Europe/Paris is one") from None
    if len(cron.split()) != FIELDS:
        raise TurnError("cron", f"it has {FIELDS} fields, as `0 */6 * * *`")
    try:
        return Times(CronSim(cron, after.astimezone(zone)))
    except CronSimError as error:
        raise TurnError("cron", f"{error}: write it as `0 */6 * * *`") from None


class Times:
    """The times of an expression, in UTC; they end where it never comes again."""

    def __init__(self, times: CronSim) -> None:
        self.times = times

    def __iter__(self) -> "Times":
        return self

    def __next__(self) -> dt.datetime:
        return next(self.times).astimezone(dt.UTC)


def _spread(box_id: UUID, seconds: int) -> dt.timedelta:
    return dt.timedelta(seconds=int.from_bytes(hashlib.sha256(box_id.bytes).digest()[:8]) % seconds)
