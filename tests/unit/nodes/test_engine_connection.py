"""When a node that cannot be read is asked again."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from nodes.engine.connection import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    Connection,
    Failure,
    is_news,
    may_try,
    note_failure,
    note_success,
)

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
AWAY = Failure(fault="timeout", words="it did not answer")


def fail(times: int, *, failure: Failure = AWAY, chance: float = 1.0) -> Connection:
    line = note_success(NOW)
    for _ in range(times):
        line = note_failure(line, failure, now=NOW, chance=chance)
    return line


def pause_of(line: Connection) -> dt.timedelta:
    assert line.retry_at is not None
    return line.retry_at - NOW


def test_pauses_double_up_to_six_hours() -> None:
    assert [pause_of(fail(times)) for times in (1, 2, 3)] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pause_of(fail(50)) == LONGEST_PAUSE


def test_what_trying_again_cannot_help_waits_longest_at_once() -> None:
    assert pause_of(fail(1, failure=Failure(fault="forbidden", words="no", is_permanent=True))) == LONGEST_PAUSE


def test_what_the_node_asked_for_is_the_least() -> None:
    assert pause_of(fail(1, failure=Failure(fault="unavailable", words="later", retry_after_s=3_600))).seconds == 3_600


def test_a_success_ends_it_and_a_failure_keeps_its_beginning_and_the_last_success() -> None:
    line = note_failure(fail(1), AWAY, now=NOW + dt.timedelta(hours=1), chance=0.0)

    assert (line.failures, line.failing_since, line.read_at) == (2, NOW, NOW)
    assert note_success(NOW) == Connection(read_at=NOW)


def test_the_owner_is_told_of_a_new_kind_of_failure_and_of_the_end() -> None:
    once, other = fail(1), fail(1, failure=Failure(fault="locked", words="unlock it"))

    assert [is_news(*pair) for pair in ((note_success(NOW), once), (once, fail(2)), (once, other))] == [
        True,
        False,
        True,
    ]
    assert is_news(once, note_success(NOW))
    assert not is_news(Connection(), note_success(NOW))


@given(times=st.integers(1, 60), chance=st.floats(0, 1))
def test_nothing_is_sent_before_the_pause_is_over(times: int, chance: float) -> None:
    line = fail(times, chance=chance)
    pause = pause_of(line)

    assert FIRST_PAUSE / 2 <= pause <= LONGEST_PAUSE
    assert not may_try(line, NOW + pause - dt.timedelta(microseconds=1))
    assert may_try(line, NOW + pause)
