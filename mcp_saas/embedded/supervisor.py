"""Starts children in order, starts those anew that die, and stops all in the reverse order."""

import contextlib
import math
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.on_demand import STUCK_S, OnDemand
from mcp_saas.embedded.process import Child, Command
from mcp_saas.embedded.registry import ProcessRegistry
from mcp_saas.embedded.state import StateFolder

QUICK_LIFE_S = 10.0
STEADY_LIFE_S = 60.0
QUICK_DEATHS = 5
LONGEST_PAUSE_S = 30.0


def plan_restart(lives_s: Sequence[float]) -> float | None:
    """Seconds to wait before the next start, given how long each life lasted, oldest first; None: give up.

    1, 2, 4 ... 30 s for deaths in a row (a life of a minute ends a row); five lives under 10 s in a row are the end.
    """
    if len(lives_s) >= QUICK_DEATHS and all(life_s < QUICK_LIFE_S for life_s in lives_s[-QUICK_DEATHS:]):
        return None
    row = next((i for i, life_s in enumerate(reversed(lives_s)) if life_s >= STEADY_LIFE_S), len(lives_s))
    return min(LONGEST_PAUSE_S, 2.0 ** max(0, min(row, 10) - 1))


def plan_pause(lives_s: Sequence[float]) -> float:
    """As `plan_restart`, for a process the others can do without: it is never given up."""
    pause_s = plan_restart(lives_s)
    return LONGEST_PAUSE_S if pause_s is None else pause_s


class Ward:
    """One place in the order: its command, the child that fills it now, and how its earlier ones fared."""

    def __init__(self, child: Child, started_at_s: float) -> None:
        self.child, self.started_at_s = child, started_at_s
        self.lives_s: list[float] = []
        self.restart_at_s = math.inf  # monotonic; finite while it waits to be started anew

    def stop(self) -> None:
        self.child.stop()


class Errand:
    """Runs once beside the others, who can do without it."""

    def __init__(self, child: Child) -> None:
        self.child = child

    def stop(self) -> None:
        self.child.stop()


class Supervisor:
    """`hold` keeps a stop signal waiting while a child is started and written down: none is ever forgotten."""

    def __init__(
        self,
        state: StateFolder,
        *,
        say: Callable[[str], None] = lambda _line: None,
        hold: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.say = say
        self.state, self._hold, self._clock = state, hold, clock
        self._registry = ProcessRegistry(state)
        self._wards: list[Ward | OnDemand | Errand] = []
        self._writing = threading.Lock()

    def end_leftovers(self) -> None:
        if ended := self._registry.end_leftovers():
            self.say(f"Ended what an earlier launch had left running: {', '.join(ended)}")

    def start(self, command: Command) -> Child:
        """From the main thread only. Raises LaunchError if there is no such program."""
        with self._hold():
            child = self._start_child(command)
            self._wards.append(Ward(child, self._clock()))
            self._write_registry()
        return child

    def start_errand(self, command: Command) -> None:
        """From the main thread only. It is never started anew; a failure is told, and is nobody else's."""
        with self._hold():
            self._wards.append(Errand(self._start_child(command)))
            self._write_registry()

    def start_on_demand(self, command: Command, listener: socket.socket, *, stuck_s: float = STUCK_S) -> None:
        """It is started by the first connection to `listener`, and anew after each end; ended where it takes none of
        those that wait for so long.
        """
        ward = OnDemand(
            command, listener, start=self._start_asked, plan_pause=plan_pause, say=self.say, stuck_s=stuck_s
        )
        self._wards.append(ward)
        ward.start()

    def run(self, command: Command) -> None:
        """Runs a command to its end. Raises LaunchError with its last line if it fails."""
        child = self.start(command)
        child.wait()
        if child.exit_code != 0:
            raise LaunchError(child.explain_end())
        with self._hold():
            self._wards = [ward for ward in self._wards if ward.child is not child]
            self._write_registry()

    def revive(self) -> None:
        """Looks after every child once; to be called every half second or so. Raises LaunchError on giving up."""
        for ward in list(self._wards):
            if isinstance(ward, Ward) and ward.child.exit_code is not None:
                self._revive_ward(ward)
            elif isinstance(ward, Errand) and ward.child.exit_code is not None:
                self._end_errand(ward)

    def stop_all(self) -> None:
        while self._wards:
            self._wards[-1].stop()
            self._wards.pop()
        with contextlib.suppress(OSError):  # a full disk: the next start finds none of those in the old list alive
            self._write_registry()

    def _end_errand(self, errand: Errand) -> None:
        errand.child.end_group()
        if errand.child.exit_code != 0:
            self.say(errand.child.explain_end())
        self._wards.remove(errand)
        self._write_registry()

    def _revive_ward(self, ward: Ward) -> None:
        now_s = self._clock()
        if ward.restart_at_s == math.inf:
            self._plan_restart(ward, now_s)
        if now_s >= ward.restart_at_s:
            with self._hold():
                ward.child = self._start_child(ward.child.command)
                ward.started_at_s, ward.restart_at_s = now_s, math.inf
                self._write_registry()

    def _plan_restart(self, ward: Ward, now_s: float) -> None:
        child = ward.child
        child.end_group()  # what its main process left behind would keep its port or its tasks
        ward.lives_s.append(now_s - ward.started_at_s)
        pause_s = plan_restart(ward.lives_s)
        if pause_s is None:
            raise LaunchError(f"Gave up on {child.command.name} after {QUICK_DEATHS} starts: {child.explain_end()}")
        self.say(f"{child.explain_end()}: started again in {pause_s:.0f} s")
        ward.restart_at_s = now_s + pause_s

    def _start_child(self, command: Command) -> Child:
        return Child(command, self.state.log / f"{command.name}.log")

    def _start_asked(self, command: Command) -> Child:
        """From the thread of its ward, which holds no signal: the main thread stops it, and waits for this first."""
        child = self._start_child(command)
        self._write_registry(child)
        return child

    def _write_registry(self, *started: Child) -> None:
        with self._writing:
            children = [ward.child for ward in list(self._wards) if ward.child]
            self._registry.write([*(child for child in children if child not in started), *started])
