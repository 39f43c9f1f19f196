"""What children say: one file each, private, bounded at every start."""

import contextlib
import os
import re
from pathlib import Path

LIMIT_BYTES = 5_000_000
TAIL_BYTES = 4_000
# Of Django's checks the fault counts, "(tenants.E001)", and not its heading, "ERRORS:".
COMPLAINT = re.compile(r"FATAL|PANIC|[Ee]rror|ERROR(?!S:)|\.E\d{3}\)")
POSTGRES_PREFIX = re.compile(r"^[-\d]+ [:.\d]+ UTC \[\d+\] ")


def open_log(log: Path) -> int:
    """A descriptor that appends; what grew over the limit is kept once, under another name."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LIMIT_BYTES:
            log.replace(log.with_name(log.name + ".1"))
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def log_size(log: Path) -> int:
    """Zero for a log that is new, or that open_log puts aside."""
    try:
        size = log.stat().st_size
    except FileNotFoundError:
        return 0
    return size if size <= LIMIT_BYTES else 0


def last_complaint(log: Path, *, start: int) -> str:
    """What the log says of an error since `start`."""
    with log.open("rb") as file:
        file.seek(max(start, log.stat().st_size - TAIL_BYTES))
        return find_complaint(file.read().decode(errors="replace"))


def find_complaint(text: str) -> str:
    """The last line that speaks of an error, else the last one; without the time and process before it."""
    lines = text.strip().splitlines()
    complaints = [line for line in lines if COMPLAINT.search(line)] or lines
    return POSTGRES_PREFIX.sub("", complaints[-1].strip())[:300] if complaints else ""
