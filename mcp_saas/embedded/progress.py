"""What the launcher tells people: one line a step, its time faint on a terminal, plain in a log."""

import sys
import time
from collections.abc import Callable

FAINT, PLAIN = "\x1b[2m", "\x1b[0m"


def make_progress() -> Callable[[str], None]:
    """A function that says a line, with the seconds since now before it."""
    started_at_s = time.monotonic()
    before, after = (FAINT, PLAIN) if sys.stdout.isatty() else ("", "")

    def say(line: str) -> None:
        print(f"{before}{time.monotonic() - started_at_s:5.1f} s  {after}{line}", flush=True)

    return say
