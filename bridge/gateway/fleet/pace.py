"""When a server that ended is started again: at once, then later and later, and in the end after a long rest."""

import random
import time
from collections import deque
from collections.abc import Callable

STEADY_S = 10.0  # one that lived so long did start well; so did one that served
BRIEF_S = 1.0  # one that served, but ended sooner, waits a little: who ends it again and again gets no processor for it
FIRST_DELAY_S, MOST_DELAY_S = 0.25, 30.0
FLAPS, FLAP_WINDOW_S = 6, 120.0  # so many bad ends within so long are a crash loop
REST_S = 300.0  # of one in a crash loop; then it gets another chance


class Pace:
    """Of one connection. Pure but for its clock and its dice. `may_loop`: whether starts that fail cost this machine
    anything; to one elsewhere they are a question now and then, until it is back.
    """

    def __init__(
        self,
        *,
        may_loop: bool = True,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,  # noqa: S311 - nothing secret
    ) -> None:
        self._may_loop, self._clock, self._dice = may_loop, clock, dice
        self._ends: deque[float] = deque(maxlen=FLAPS)
        self._failures = 0

    @property
    def is_looping(self) -> bool:
        return self._may_loop and len(self._ends) == FLAPS and self._clock() - self._ends[0] < FLAP_WINDOW_S

    def note_end(self, lived_s: float, *, has_served: bool = False) -> float:
        """Seconds until the next start: none the first time, then doubled each time, a quarter of it by chance."""
        if has_served or lived_s >= STEADY_S:
            self.reset()
            return 0.0 if lived_s >= BRIEF_S else FIRST_DELAY_S
        self._ends.append(self._clock())
        self._failures += 1
        if self._failures == 1:
            return 0.0
        delay_s = min(MOST_DELAY_S, FIRST_DELAY_S * 2.0 ** (self._failures - 2))
        return delay_s * (0.75 + 0.5 * self._dice())

    def reset(self) -> None:
        self._ends.clear()
        self._failures = 0
