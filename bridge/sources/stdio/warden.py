"""Ends what is left of servers: a process beside the gateway that outlives it for a moment.

    python -I -S warden.py INSTANCE

A line on its standard input is the mark of a server that ended: every process that carries it is killed. The end of
the input is the end of the gateway: every process of its instance is killed, and then the warden ends.
The mark is a variable of the environment, which the children of children have too, whatever group or session they put
themselves into. It is read from /proc, so elsewhere than on Linux nothing is found. Imports nothing of ours.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress

VARIABLE = b"MCP_CHILD_OF="
ROUNDS = 100  # of looking again: what is being killed may fork until it is dead


def main() -> None:
    reset_signals()
    for line in sys.stdin.buffer:
        sweep(b"%b%b\0" % (VARIABLE, line.strip()))
    sweep(b"%b%b." % (VARIABLE, os.fsencode(sys.argv[1])))


def reset_signals() -> None:
    """What ends the gateway's terminal or group ends the gateway first; the end of the input tells us."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def sweep(mark: bytes) -> None:
    for _ in range(ROUNDS):
        found = list(find_marked(mark))
        if not found:
            return
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def find_marked(mark: bytes) -> Iterator[int]:
    """Zombies have no environment, so what is dead is not found again."""
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():  # noqa: PTH208, PTH112 - pathlib doubles the start
        if name.isdigit():
            with suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:  # noqa: PTH123
                if mark in b"\0%b\0" % file.read():
                    yield int(name)


if __name__ == "__main__":
    main()
