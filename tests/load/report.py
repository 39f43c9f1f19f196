"""What a benchmark found, and the clock of those that count CPU-seconds."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

T = TypeVar("T")
REPEATS = 5


@dataclass(frozen=True, slots=True)
class Report:
    """`figures` go into the file, units in their names; `lines` are shown: what, how much."""

    title: str
    figures: Mapping[str, object]
    lines: list[tuple[str, str]]

    def describe(self) -> str:
        width = max(len(what) for what, _ in self.lines)
        amount_width = max(len(amount) for _, amount in self.lines)
        return "\n".join(f"  {what:<{width}}  {amount:>{amount_width}}" for what, amount in self.lines)


def time_cpu(work: Callable[[], T]) -> tuple[float, T]:
    """The median CPU-seconds of this process over the repeats, after one that is not counted, and the last result."""
    result = work()
    taken = []
    for _ in range(REPEATS):
        started = time.process_time()
        result = work()
        taken.append(time.process_time() - started)
    return round(median(taken), 6), result
