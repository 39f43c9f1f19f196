"""Reads are tried again: a few times, soon, and not by everybody at the same moment."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from nodes.sources.driver.errors import PASSING, OutsideError

_Read = TypeVar("_Read")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Pauses double from `first_pause_s`, each shortened by chance to between half and all of it."""

    attempts: int = 3
    first_pause_s: float = 0.25
    budget_s: float = 40.0  # no new attempt after this long
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], object] = field(default_factory=lambda: threading.Event().wait)
    dice: Callable[[], float] = field(default_factory=lambda: random.SystemRandom().random)


def read_patiently(read: Callable[[], _Read], patience: Patience) -> _Read:
    """What `read` answers, tried again while its failure may pass. Only for reads: they may happen twice.

    Raises the last OutsideError.
    """
    began_s = patience.clock()
    for attempt in range(patience.attempts):
        try:
            return read()
        except OutsideError as error:
            is_last = attempt + 1 >= patience.attempts
            pause_s = patience.first_pause_s * 2**attempt * (0.5 + patience.dice() / 2)
            pause_s = max(pause_s, error.retry_after_s or 0.0)
            is_late = patience.clock() - began_s + pause_s > patience.budget_s
            if is_last or is_late or error.fault not in PASSING:
                raise
            patience.pause(pause_s)
    raise AssertionError("unreachable: the last attempt returns or raises")
