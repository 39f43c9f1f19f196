"""How long the whole of something may take, known to all that is waited for within it, however deep it lies."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends_at_s: ContextVar[float | None] = ContextVar("ends_at_s", default=None)  # monotonic


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is inside ends with what is around it, at the latest."""
    around = _ends_at_s.get()
    ends_at_s = time.monotonic() + seconds
    token = _ends_at_s.set(ends_at_s if around is None else min(around, ends_at_s))
    try:
        yield
    finally:
        _ends_at_s.reset(token)


def left_s(most: float) -> float:
    """Seconds to wait for the next thing: `most`, or what is left; 0 when the time is over."""
    ends_at_s = _ends_at_s.get()
    return most if ends_at_s is None else min(most, max(0.0, ends_at_s - time.monotonic()))
