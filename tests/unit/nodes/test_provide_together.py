"""Whoever reads waits for providers a moment, and nobody for long when others wait already."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from nodes.pipeline import provide_together
from nodes.pipeline.provide_together import Awaited
from nodes.sources.provider.protocol import Provided

LONG_S = 3600.0
COME: Provided[str] = Provided(value="it came")
OLD: Provided[str] = Provided(value="an old one", degraded=True)


def await_answer(future: "Future[Provided[str]]") -> Provided[str]:
    return Awaited(future, time.monotonic(), lambda: OLD).collect()


def answer(future: "Future[Provided[str]]") -> Callable[[], None]:
    return lambda: future.set_result(COME)


def test_what_comes_in_time_is_the_answer_and_else_an_old_one_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provide_together, "WITHIN_S", LONG_S)
    future: Future[Provided[str]] = Future()
    threading.Timer(0.01, answer(future)).start()
    assert await_answer(future) is COME

    monkeypatch.setattr(provide_together, "WITHIN_S", 0.01)
    assert await_answer(Future()) is OLD


def test_where_as_many_wait_as_may_others_wait_for_a_shorter_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provide_together, "WITHIN_S", LONG_S)
    monkeypatch.setattr(provide_together, "IN_HASTE_S", 0.01)
    room = threading.BoundedSemaphore(1)
    monkeypatch.setattr(provide_together, "_waiting", room)
    with room:
        assert await_answer(Future()) is OLD
        come: Future[Provided[str]] = Future()
        come.set_result(COME)
        assert await_answer(come) is COME
    future: Future[Provided[str]] = Future()
    threading.Timer(0.01, answer(future)).start()
    assert await_answer(future) is COME
    assert room.acquire(blocking=False)  # who waited has left


def test_half_the_threads_of_a_web_process_never_wait_for_long() -> None:
    from mcp_saas.embedded.product import WEB_THREADS

    assert provide_together.MOST_WAITING <= WEB_THREADS // 2
