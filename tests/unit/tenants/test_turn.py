"""When a box has its turn: by cron expression and time zone, spread over boxes, never too often."""

import datetime as dt
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.engine.turn import JITTER, SHORTEST_INTERVAL, TurnError, check_turns, find_turn

NOW = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)
BOX = UUID(int=7)
HOUR = dt.timedelta(hours=1)


def turn_of(cron: str, after: dt.datetime, *, time_zone: str = "UTC", box: UUID = BOX) -> dt.datetime:
    return find_turn(box, after, cron=cron, time_zone=time_zone)


@given(st.uuids(), st.timedeltas(dt.timedelta(0), dt.timedelta(days=7000)).map(lambda span: NOW + span))
def test_turns_come_at_the_times_of_the_expression_and_always_as_much_later(box: UUID, after: dt.datetime) -> None:
    first = turn_of("0 */6 * * *", after, box=box)
    assert after < first <= after + 6 * HOUR
    late = (first - first.replace(hour=0, minute=0, second=0, microsecond=0)) % (6 * HOUR)
    assert dt.timedelta(0) <= late < JITTER
    assert turn_of("0 */6 * * *", first, box=box) == first + 6 * HOUR
    assert turn_of("0 */6 * * *", first - dt.timedelta(microseconds=1), box=box) == first


def test_boxes_with_the_same_expression_do_not_fall_due_together() -> None:
    turns = {turn_of("0 * * * *", NOW, box=uuid5(BOX, str(number))) for number in range(200)}
    assert len(turns) > 150


def test_an_expression_is_read_in_its_time_zone_summer_and_winter() -> None:
    hours = {
        turn_of("30 4 * * *", day, time_zone="Europe/Paris").replace(minute=0, second=0).hour
        for day in (dt.datetime(2026, 1, 10, tzinfo=dt.UTC), dt.datetime(2026, 7, 10, tzinfo=dt.UTC))
    }
    assert hours == {2, 3}


def test_no_day_of_a_change_of_clocks_is_left_out_or_doubled() -> None:
    after, days = dt.datetime(2026, 1, 1, tzinfo=dt.UTC), []
    while len(days) < 365:
        after = turn_of("30 2 * * *", after, time_zone="Europe/Paris")
        days.append(after.date())
    assert days == [days[0] + dt.timedelta(days=number) for number in range(365)]


@pytest.mark.parametrize(
    ("cron", "time_zone", "field"),
    [
        ("", "UTC", "cron"),
        ("@daily", "UTC", "cron"),
        ("0 0 0 * * *", "UTC", "cron"),
        ("61 * * * *", "UTC", "cron"),
        ("* * * * *", "UTC", "cron"),
        ("*/5 * * * *", "UTC", "cron"),
        ("0,5 3 * * *", "UTC", "cron"),
        ("0 0 31 2 *", "UTC", "cron"),
        ("0 0 * * *", "Mars/Olympus", "time_zone"),
        ("0 0 * * *", "../../etc/passwd", "time_zone"),
        ("0 0 * * *", "", "time_zone"),
    ],
)
def test_what_nobody_can_keep_is_refused_by_its_field(cron: str, time_zone: str, field: str) -> None:
    with pytest.raises(TurnError) as raised:
        check_turns(cron=cron, time_zone=time_zone, now=NOW)
    assert raised.value.field == field


@pytest.mark.parametrize("cron", ["*/10 * * * *", "0 */6 * * *", "15 3 * * 1-5", "0 0 L * *", "0 0 29 2 *"])
def test_what_leaves_ten_minutes_between_turns_is_taken(cron: str) -> None:
    check_turns(cron=cron, time_zone="Europe/Paris", now=NOW)
    assert JITTER <= SHORTEST_INTERVAL
