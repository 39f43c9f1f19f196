"""When what ended is started again."""

import pytest

from bridge.gateway.fleet.pace import BRIEF_S, FIRST_DELAY_S, FLAP_WINDOW_S, FLAPS, MOST_DELAY_S, STEADY_S, Pace
from tests.clock import Clock


def make_pace(clock: Clock | None = None, *, may_loop: bool = True) -> Pace:
    """Its dice show the middle: no delay is changed by chance."""
    return Pace(may_loop=may_loop, clock=clock or Clock(), dice=lambda: 0.5)


def test_the_first_start_is_at_once_and_each_after_it_later() -> None:
    pace = make_pace(may_loop=False)
    delays = [pace.note_end(0.0) for _ in range(12)]
    assert delays[:6] == [0.0, 0.25, 0.5, 1.0, 2.0, 4.0]
    assert delays[-3:] == [MOST_DELAY_S] * 3


def test_chance_spreads_the_starts_of_many() -> None:
    found = set()
    for dice in (0.0, 1.0):
        pace = Pace(clock=Clock(), dice=lambda dice=dice: dice)  # type: ignore[misc]
        pace.note_end(0.0)
        found.add(pace.note_end(0.0))
    assert found == {0.75 * FIRST_DELAY_S, 1.25 * FIRST_DELAY_S}


@pytest.mark.parametrize(("lived_s", "has_served"), [(STEADY_S, False), (BRIEF_S, True)])
def test_one_that_lived_or_served_well_is_started_at_once_however_often(lived_s: float, has_served: bool) -> None:
    pace = make_pace()
    assert [pace.note_end(lived_s, has_served=has_served) for _ in range(20)] == [0.0] * 20
    assert not pace.is_looping


def test_one_that_is_ended_with_its_first_answers_waits_a_little() -> None:
    pace = make_pace()
    assert [pace.note_end(0.0, has_served=True) for _ in range(20)] == [FIRST_DELAY_S] * 20
    assert not pace.is_looping


def test_so_many_bad_ends_in_so_short_a_time_are_a_loop_until_time_has_passed() -> None:
    clock = Clock()
    pace = make_pace(clock)
    for _ in range(FLAPS - 1):
        pace.note_end(0.0)
        assert not pace.is_looping
    pace.note_end(0.0)
    assert pace.is_looping
    clock.now_s += FLAP_WINDOW_S
    assert not pace.is_looping


def test_what_costs_this_machine_nothing_is_never_a_loop() -> None:
    pace = make_pace(may_loop=False)
    for _ in range(50):
        pace.note_end(0.0)
    assert not pace.is_looping


def test_a_good_life_makes_bad_ones_forgotten() -> None:
    pace = make_pace()
    for _ in range(FLAPS - 1):
        pace.note_end(0.0)
    pace.note_end(STEADY_S)
    assert pace.note_end(0.0) == 0.0
    assert not pace.is_looping
