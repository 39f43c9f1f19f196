"""What a child says beside the protocol, to the log: at most so many lines a second, the rest is counted."""

from collections import deque
from collections.abc import Callable

from bridge.sources.connection import Line, OnLog

LINES_PER_S = 200.0
BURST = 500.0
TELL_S = 5.0  # between two lines about those that were dropped
MAX_TEXT = 8_000
KEPT = 20
FLOOD_COST = 4 << 20  # beside the protocol, within FLOOD_S: then it is read no faster than that
LINE_COST, ODD_COST = 64, 1_000  # in bytes: of a line of junk, and of one that had to be read to see that it is
FLOOD_S = 0.1


class Tap:
    """Of one child. `last` holds its last lines on standard error; `pid` is set once there is a process."""

    def __init__(self, on_log: OnLog, clock: Callable[[], float]) -> None:
        self.last: deque[str] = deque(maxlen=KEPT)
        self.pid: int | None = None
        self._on_log = on_log
        self._clock = clock
        self._tokens = BURST
        self._at = clock()
        self._dropped = 0
        self._tell_at = 0.0
        self._flood_at = 0.0
        self._flood_cost = 0

    def take(self, stream: str, line: bytes) -> None:
        if not self._take_token():
            self._dropped += 1
            return
        text = line[:MAX_TEXT].decode(errors="replace").rstrip()
        if stream == "stderr":
            self.last.append(text)
        self.say(stream, text)

    def say(self, stream: str, text: str) -> None:
        """A line of ours, which is kept in any case."""
        self._on_log(Line(stream, text, self.pid))

    def drop(self, lines: int) -> None:
        """Lines that are not even taken apart."""
        self._dropped += lines

    @property
    def is_full(self) -> bool:
        """Whether the next line would be dropped."""
        self._refill()
        return self._tokens < 1

    def is_flooded(self, cost: int) -> bool:
        """So much more was read of what is no protocol: whether to pause before more of it is read."""
        now = self._clock()
        if now - self._flood_at > FLOOD_S:
            self._flood_at, self._flood_cost = now, 0
        self._flood_cost += cost
        return self._flood_cost > FLOOD_COST

    def end(self) -> None:
        self._tell_at = 0.0
        self._tell_dropped()

    def _take_token(self) -> bool:
        self._refill()
        if self._tokens < 1:
            return False
        self._tokens -= 1
        self._tell_dropped()
        return True

    def _tell_dropped(self) -> None:
        if self._dropped and self._at >= self._tell_at:
            self._tell_at = self._at + TELL_S
            count, self._dropped = self._dropped, 0
            self.say("life", f"it wrote too much: {count} lines were not kept")

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(BURST, self._tokens + (now - self._at) * LINES_PER_S)
        self._at = now
