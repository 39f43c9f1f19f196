"""A process that runs only while it is needed: started by the first connection to a socket that we hold."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable

from mcp_saas.embedded.process import Child, Command, LastingThread

STOP_LOOK_S = 0.5
BACKLOG = 128  # connections that wait for a start


class OnDemand(LastingThread):
    """Its own thread, so that a connection is never kept waiting by what the launcher does meanwhile.

    An end with exit code 0 was its own wish: it had nothing to do. After any other the next start waits, as
    `plan_pause` says of its lives (seconds, oldest first); connections wait with it.
    """

    def __init__(
        self,
        command: Command,
        listener: socket.socket,
        *,
        start: Callable[[Command], Child],
        plan_pause: Callable[[list[float]], float],
        say: Callable[[str], None],
    ) -> None:
        super().__init__(name=f"on demand: {command.name}", daemon=True)
        self.child: Child | None = None
        self._command, self._listener = command, listener
        self._start_child, self._plan_pause, self._say = start, plan_pause, say
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._lives_s: list[float] = []
        listener.listen(BACKLOG)

    def run(self) -> None:
        while self._wait_for_connection():
            with self._starting:
                if self._stopping.is_set():
                    return
                self.child = self._start_child(self._command)
            self._see_through(self.child)

    def stop(self) -> None:
        """Nothing is started from here on."""
        self._stopping.set()
        with self._starting:
            if self.child:
                self.child.stop()
        self._listener.close()

    def _wait_for_connection(self) -> bool:
        """False when there will be no more."""
        while not self._stopping.is_set():
            with contextlib.suppress(OSError, ValueError):  # closed meanwhile
                if select.select([self._listener], [], [], STOP_LOOK_S)[0]:
                    return True
        return False

    def _see_through(self, child: Child) -> None:
        """Until its end, and until it may be started again."""
        started_at_s = time.monotonic()
        exit_code = child.wait()
        if self._stopping.is_set():
            return
        child.end_group()
        if exit_code == 0:
            self._lives_s.clear()
            return
        self._lives_s.append(time.monotonic() - started_at_s)
        pause_s = self._plan_pause(self._lives_s)
        self._say(f"{child.explain_end()}: started again when it is asked, in {pause_s:.0f} s at the earliest")
        self._stopping.wait(pause_s)
