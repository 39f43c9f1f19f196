"""An event loop whose clock jumps to the next timer: hours of waiting in no time, the same at each run."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import TypeVar

V = TypeVar("V")


class JumpingSelector(selectors.SelectSelector):
    """Nothing ever arrives from outside; the time that would be waited for has passed."""

    now_s = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everybody waits, and nothing will ever happen"
        self.now_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.jumping = JumpingSelector()
        super().__init__(self.jumping)

    def time(self) -> float:
        return self.jumping.now_s


def run(main: Coroutine[object, object, V]) -> V:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
