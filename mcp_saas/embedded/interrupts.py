"""Stop signals, told once."""

import contextlib
import os
import select
import signal
import threading
from collections.abc import Iterator
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_EVERY_MS = 500


class StopRequest:
    """Turns the first stop signal into one KeyboardInterrupt; later ones are ignored, they cannot break up the stop."""

    def __init__(self) -> None:
        self.is_received = False
        self._is_held = False

    def listen(self) -> None:
        is_detached = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # nohup: outlives its terminal
        for number in STOP_SIGNALS:
            if number != signal.SIGHUP or not is_detached:
                signal.signal(number, self._receive)
        if not is_detached:
            threading.Thread(target=watch_terminal, daemon=True).start()

    def ignore(self) -> None:
        """From here on no signal breaks in."""
        self.is_received = True

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """What happens inside is done whole: a signal that comes meanwhile is raised at the end of the block."""
        was_received, self._is_held = self.is_received, True
        try:
            yield
        finally:
            self._is_held = False
        if self.is_received and not was_received:
            raise KeyboardInterrupt

    def _receive(self, _signal: int, _frame: FrameType | None) -> None:
        if self.is_received:
            return
        self.is_received = True
        if not self._is_held:
            raise KeyboardInterrupt


def watch_terminal() -> None:
    """Sends us SIGHUP when the terminal we are in the foreground of hangs up.

    The system tells the leader of the session alone, and a `make` that leads it waits for us without passing it on.
    """
    with contextlib.suppress(OSError):  # no terminal
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
        if os.tcgetpgrp(terminal) == os.getpgrp():
            events = select.poll()
            events.register(terminal, 0)  # a hang-up is reported unasked
            while not (reported := events.poll(LOOK_EVERY_MS)):
                pass
            if reported[0][1] & select.POLLHUP:
                os.kill(os.getpid(), signal.SIGHUP)
