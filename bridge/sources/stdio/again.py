"""The log of a server that is started twice to find out its era: what both children say stands there once."""

from collections import defaultdict, deque

from bridge.sources.connection import Line, OnLog

MOST = 50  # lines of the first child that are remembered


class Retold:
    """Takes the lines of the first child, and after `start_again` those of the second."""

    def __init__(self, on_log: OnLog) -> None:
        self._on_log = on_log
        self._said: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=MOST))
        self._is_first = True

    def start_again(self) -> None:
        self._is_first = False

    def settle(self) -> None:
        """It runs: from now on everything is news."""
        self._is_first = False
        self._said.clear()

    def take(self, line: Line) -> None:
        said = self._said[line.stream]
        if self._is_first:
            said.append(line.text)
        elif said and said[0] == line.text:
            said.popleft()
            return
        else:
            said.clear()
        self._on_log(line)
