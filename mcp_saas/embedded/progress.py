"""What the launcher tells people: one line a step, coloured on a terminal, plain in a log."""

import sys
import time
from collections.abc import Callable


def make_progress() -> Callable[[str], None]:
    """A function that says a line, with the seconds since now before it."""
    started_at_s = time.monotonic()
    write = write_coloured() if sys.stdout.isatty() else write_plain

    def say(line: str) -> None:
        write(f"{time.monotonic() - started_at_s:5.1f} s  ", line)

    return say


def write_plain(prefix: str, line: str) -> None:
    print(prefix + line, flush=True)


def write_coloured() -> Callable[[str, str], None]:
    from rich.console import Console  # only a terminal needs it: 15 MB
    from rich.text import Text

    console = Console()

    def write(prefix: str, line: str) -> None:
        console.print(Text.assemble((prefix, "dim"), line), soft_wrap=True)

    return write
