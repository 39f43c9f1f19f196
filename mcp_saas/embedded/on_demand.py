"""A process that runs only while it is needed: started by the first connection to a socket that we hold."""

import contextlib
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable

from mcp_saas.embedded.process import Child, Command, LastingThread

STOP_LOOK_S = 0.5
STUCK_LOOK_S = 0.25
STUCK_S = 20.0  # without taking one connection of those that wait: no work of it takes so long
START_FACTOR = 5.0  # times as long before it takes the first
_ACCEPT_QUEUE = struct.Struct("8x4I I")  # linux/tcp.h, tcp_info: of a listening socket `unacked` counts who waits
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
        stuck_s: float = STUCK_S,
    ) -> None:
        super().__init__(name=f"on demand: {command.name}", daemon=True)
        self.child: Child | None = None
        self._command, self._listener = command, listener
        self._start_child, self._plan_pause, self._say = start, plan_pause, say
        self._stuck_s = stuck_s
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
        exit_code = self._wait_for_end(child)
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

    def _wait_for_end(self, child: Child) -> int:
        """It is ended where it hangs: while it runs, the kernel keeps whoever connects waiting for it for ever."""
        took_at_s, patience_s = time.monotonic(), START_FACTOR * self._stuck_s
        while (exit_code := child.wait_for_end(STUCK_LOOK_S)) is None:
            if count_waiting(self._listener) == 0:
                took_at_s, patience_s = time.monotonic(), self._stuck_s
            elif time.monotonic() - took_at_s > patience_s and not self._stopping.is_set():
                self._say(f"{self._command.name} has taken no connection for {patience_s:.0f} s: it is ended")
                child.end_group()
        return exit_code


def count_waiting(listener: socket.socket) -> int:
    """Connections that nobody has taken yet. 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    try:
        raw = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACCEPT_QUEUE.size)
    except OSError:  # closed meanwhile
        return 0
    *_, waiting = _ACCEPT_QUEUE.unpack(raw)
    return int(waiting)
