"""Another strategy, whose values or wished rate change by the clock."""

import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from nodes.engine.document import Slot, TimeOfDayStrategy


def find_slot(strategy: TimeOfDayStrategy, now: dt.datetime) -> Slot | None:
    """The first slot that holds at this moment, by the clock of the strategy's time zone."""
    local = now.astimezone(ZoneInfo(strategy.time_zone))
    return next((slot for slot in strategy.slots if _holds(slot, local)), None)


def tell_slot(strategy: TimeOfDayStrategy, slot: Slot | None) -> str:
    """For people: "time_of_day, 22:00 to 06:00 Europe/Paris, times 0.5"."""
    if slot is None:
        return "time_of_day, no slot"
    times = "" if slot.factor is None else f", times {slot.factor:g}"
    return f"time_of_day, {slot.since} to {slot.until} {strategy.time_zone}{times}"


def _holds(slot: Slot, local: dt.datetime) -> bool:
    since, until = _read_minutes(slot.since), _read_minutes(slot.until)
    minute = local.hour * 60 + local.minute
    if since < until:
        return since <= minute < until and _is_day(local.weekday(), slot.weekdays)
    if minute >= since:
        return _is_day(local.weekday(), slot.weekdays)
    return minute < until and _is_day((local.weekday() - 1) % 7, slot.weekdays)


def _is_day(weekday: int, weekdays: Iterable[int] | None) -> bool:
    return weekdays is None or weekday in weekdays


def _read_minutes(clock_time: str) -> int:
    hours, minutes = clock_time.split(":")
    return int(hours) * 60 + int(minutes)
