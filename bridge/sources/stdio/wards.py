"""The gateway's end of the warden: marks for children, and the order to sweep when one of them has ended."""

import itertools
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

_SCRIPT = Path(__file__).with_name("warden.py")
VARIABLE = "MCP_CHILD_OF"


class Wards:
    """One of a process. The warden is started with the first child, and anew if it was killed."""

    def __init__(self) -> None:
        self.instance = uuid4().hex[:16]
        self._numbers = itertools.count(1)
        self._warden: subprocess.Popen[bytes] | None = None

    def make_mark(self) -> str:
        """Of one child: in its environment as MCP_CHILD_OF, and so in that of all its descendants."""
        self._start()
        return f"{self.instance}.{next(self._numbers)}"

    def sweep(self, mark: str) -> None:
        """Kills whatever carries the mark; returns at once."""
        self._start()
        if self._warden is not None and self._warden.stdin is not None:
            with suppress(OSError):
                self._warden.stdin.write(f"{mark}\n".encode())

    def _start(self) -> None:
        if self._warden is not None and self._warden.poll() is None:
            return
        if self._warden is not None and self._warden.stdin is not None:
            self._warden.stdin.close()
        self._warden = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-I", "-S", str(_SCRIPT), self.instance],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            start_new_session=True,
            bufsize=0,
        )


WARDS = Wards()
