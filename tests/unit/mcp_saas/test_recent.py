"""One finds out, the others take what was found last."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mcp_saas.kit.recent import Recent
from tests.clock import Clock


def test_a_value_is_found_out_again_when_it_is_old() -> None:
    clock, found = Clock(), iter(range(5))
    recent: Recent[int] = Recent(ttl_s=2, clock=clock)
    assert [recent.find(lambda: next(found)) for _ in range(3)] == [0, 0, 0]
    clock.now_s += 2
    assert [recent.find(lambda: next(found)) for _ in range(3)] == [1, 1, 1]


def test_while_one_finds_out_the_others_take_the_last() -> None:
    clock, began, may_end = Clock(), threading.Event(), threading.Event()
    recent: Recent[str] = Recent(ttl_s=2, clock=clock)
    recent.find(lambda: "old")
    clock.now_s += 10

    def find_slowly() -> str:
        began.set()
        may_end.wait(10)
        return "new"

    with ThreadPoolExecutor() as pool:
        slow = pool.submit(recent.find, find_slowly)
        began.wait(10)
        assert recent.find(lambda: "mine") == "old"
        may_end.set()
        assert slow.result(10) == "new"


def test_a_failure_is_not_kept() -> None:
    recent: Recent[int] = Recent(ttl_s=2, clock=Clock())
    with pytest.raises(ZeroDivisionError):
        recent.find(lambda: 1 // 0)
    assert recent.find(lambda: 3) == 3
