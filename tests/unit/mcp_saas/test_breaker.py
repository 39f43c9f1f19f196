"""A system that is down is left alone for a while, and tried again by one caller."""

import pytest

from mcp_saas.kit.breaker import Breaker, Breakers
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock=clock)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.note_failure()


def test_four_failures_open_nothing_and_the_fifth_does(breaker: Breaker) -> None:
    fail(breaker, 4)
    assert breaker.allow()
    fail(breaker, 1)
    assert not breaker.allow()
    assert breaker.is_open


def test_a_success_between_failures_starts_the_count_anew(breaker: Breaker) -> None:
    fail(breaker, 4)
    breaker.note_success()
    fail(breaker, 4)
    assert breaker.allow()


def test_after_thirty_seconds_one_caller_tries_and_its_success_closes_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 5)
    clock.now_s += 30
    assert [breaker.allow() for _ in range(3)] == [True, False, False]
    breaker.note_success()
    assert breaker.allow()
    assert not breaker.is_open


def test_a_trial_that_fails_opens_it_for_another_rest(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 5)
    clock.now_s += 30
    assert breaker.allow()
    breaker.note_failure()
    clock.now_s += 29
    assert not breaker.allow()
    clock.now_s += 1
    assert breaker.allow()


def test_a_trial_whose_outcome_never_comes_is_followed_by_another(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 5)
    clock.now_s += 30
    assert breaker.allow()
    clock.now_s += 30
    assert breaker.allow()


def test_each_system_has_a_breaker_of_its_own() -> None:
    breakers: Breakers[str] = Breakers()
    fail(breakers.find("here"), 5)
    assert breakers.find("there").allow()
    assert not breakers.find("here").allow()


def test_failures_that_took_long_open_it_sooner(clock: Clock) -> None:
    breaker = Breaker(lost_s=6.0, clock=clock)
    breaker.note_failure(4.0)
    assert breaker.allow()
    breaker.note_failure(4.0)
    assert not breaker.allow()
    breaker.note_success()
    breaker.note_failure(4.0)
    assert breaker.allow()
