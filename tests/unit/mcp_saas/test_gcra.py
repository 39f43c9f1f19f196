"""A quota a window: bursts up to the quota, then an even pace, whatever the order of arrivals."""

from hypothesis import given
from hypothesis import strategies as st

from mcp_saas.kit.gcra import LocalLimiter, Quota
from tests.clock import Clock

TEN = Quota("default", 10, 60)


def test_the_whole_quota_may_come_at_once_and_the_next_must_wait_its_turn() -> None:
    clock = Clock()
    limiter = LocalLimiter(clock)
    verdicts = [limiter.judge(TEN, "a") for _ in range(11)]
    assert [verdict.remaining for verdict in verdicts] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
    assert [verdict.is_allowed for verdict in verdicts] == [True] * 10 + [False]
    assert verdicts[-1].reset_s == 6
    clock.now_s += 5.9
    assert not limiter.judge(TEN, "a").is_allowed
    clock.now_s += 0.1
    assert limiter.judge(TEN, "a").is_allowed
    assert not limiter.judge(TEN, "a").is_allowed


def test_after_a_window_of_silence_there_is_the_whole_quota_again() -> None:
    clock = Clock()
    limiter = LocalLimiter(clock)
    for _ in range(10):
        assert limiter.judge(TEN, "a").is_allowed
    clock.now_s += 60
    assert limiter.judge(TEN, "a").remaining == 9


def test_callers_and_classes_are_counted_apart() -> None:
    limiter = LocalLimiter(Clock())
    one = Quota("one", 1, 60)
    assert [limiter.judge(one, caller).is_allowed for caller in ("a", "b", "a")] == [True, True, False]
    assert limiter.judge(Quota("other", 1, 60), "a").is_allowed


def test_of_too_many_callers_the_longest_silent_is_forgotten() -> None:
    limiter = LocalLimiter(Clock(), capacity=2)
    one = Quota("one", 1, 60)
    for caller in ("a", "b", "c"):
        limiter.judge(one, caller)
    assert [limiter.judge(one, caller).is_allowed for caller in ("b", "a")] == [False, True]


@given(
    quota=st.integers(1, 1000),
    window_s=st.integers(1, 3600),
    pauses=st.lists(st.floats(0, 100), min_size=1, max_size=200),
)
def test_never_more_than_twice_the_quota_in_any_window(quota: int, window_s: int, pauses: list[float]) -> None:
    clock = Clock()
    limiter, passed = LocalLimiter(clock), []
    for pause in pauses:
        clock.now_s += pause
        if limiter.judge(Quota("x", quota, window_s), "a").is_allowed:
            passed.append(clock.now_s)
    for start in passed:
        assert sum(start <= at < start + window_s for at in passed) <= 2 * quota
