"""Stop signals, told once."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
