"""Standard output that may lose its reader: `make run | head`, a terminal that was closed."""

import errno
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

GONE = {errno.EPIPE, errno.EIO}  # a pipe without a reader, a terminal that hung up


class UnheardOutput(io.FileIO):
    """From the moment nobody reads along, what is written goes nowhere: what runs goes on."""

    def write(self, text: "ReadableBuffer", /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            if error.errno not in GONE:
                raise
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), self.fileno())
            return len(memoryview(text).cast("B"))


def outlive_reader() -> None:
    """For the whole process, whoever prints."""
    sys.stdout, sys.stderr = (wrap(stream.fileno()) for stream in (sys.stdout, sys.stderr))


def wrap(descriptor: int) -> io.TextIOWrapper:
    raw = UnheardOutput(descriptor, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), errors="backslashreplace", line_buffering=True)
