"""A child process: bytes in and out through asyncio's own protocol, no task and no thread; its group ends with it."""

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol, cast

from bridge.engine.server import Stdio
from bridge.sources.stdio.environment import make_environment
from bridge.sources.stdio.outbox import Outbox
from bridge.sources.stdio.tap import FLOOD_S, LINE_COST, Tap
from bridge.sources.stdio.wards import VARIABLE, WARDS

_LAUNCHER = str(Path(__file__).with_name("launch.py"))
NICE = 5  # the gateway goes first
MAX_ERROR_LINE = 8_192
LAST_WORDS_S = 5.0  # after SIGKILL
OUTPUT_CLOSED_S = 0.2  # it closed its output: so long it may take to exit
OUTPUT_OPEN_S = 0.5  # it exited: so long somebody else may hold its output open


class Owner(Protocol):
    def take_output(self, chunk: bytes) -> None: ...

    def take_end(self, reason: str) -> None:
        """Once, when no more output can come."""
        ...


class Child(asyncio.SubprocessProtocol):
    """`start` it, then `outbox.put` lines. The owner takes what it writes."""

    def __init__(self, owner: Owner, tap: Tap) -> None:
        self.outbox = Outbox(asyncio.get_running_loop(), self._write)
        self.exited: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.pid: int | None = None  # as soon as there is a process
        self.status: int | None = None  # of its exit
        self._owner = owner
        self._tap = tap
        self._mark = WARDS.make_mark()
        self._transport: asyncio.SubprocessTransport | None = None
        self._errors = b""
        self._has_no_output = False
        self._is_closing = False

    async def start(self, how: Stdio, env: dict[str, str]) -> None:
        """Raises OSError when no process can be made. That the command does not exist shows in its end."""
        loop = asyncio.get_running_loop()
        arguments = [sys.executable, "-I", "-S", _LAUNCHER, make_options(how), how.command, *how.args]
        await loop.subprocess_exec(
            lambda: self,
            *arguments,
            env=make_environment(env) | {VARIABLE: self._mark},
            start_new_session=True,
            close_fds=True,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self.pid = self._tap.pid = self._transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self._owner.take_output(data)
        else:
            self._take_errors(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:
            self._has_no_output = True
            self._end_soon(OUTPUT_CLOSED_S)

    def process_exited(self) -> None:
        """Whoever is left in its group may still hold its output open, so the group goes too."""
        self._kill(signal.SIGKILL)
        WARDS.sweep(self._mark)
        if not self.exited.done():
            self.exited.set_result(None)
        self._end_soon(OUTPUT_OPEN_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def pause_writing(self) -> None:
        self.outbox.pause()

    def resume_writing(self) -> None:
        self.outbox.resume()

    def slow_down(self, fd: int) -> None:
        """It writes more of what nobody wants than is read in one go: the rest waits in its pipe."""
        pipe = cast(asyncio.ReadTransport | None, self._pipe(fd))
        if pipe is not None and not pipe.is_closing():
            pipe.pause_reading()
            asyncio.get_running_loop().call_later(FLOOD_S, resume_reading, pipe)

    async def close(self, grace_s: float) -> None:
        """Standard input ends; SIGTERM to its group after half the grace, SIGKILL after all of it."""
        self._is_closing = True
        if self.pid is None:
            return  # given up before it began: asyncio ends what there is
        with suppress(RuntimeError, OSError):
            if (pipe := self._pipe(0)) is not None:
                pipe.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            done, _ = await asyncio.wait((self.exited,), timeout=grace_s / 2)
            if done:
                break
            self._kill(number)
        await asyncio.wait((self._over,), timeout=LAST_WORDS_S)
        if self._transport is not None:
            self._transport.close()

    def kill(self) -> None:
        self._kill(signal.SIGKILL)

    def _write(self, data: bytes) -> None:
        pipe = cast(asyncio.WriteTransport | None, self._pipe(0))
        if pipe is not None and not pipe.is_closing():
            pipe.write(data)

    def _pipe(self, fd: int) -> asyncio.BaseTransport | None:
        return None if self._transport is None else self._transport.get_pipe_transport(fd)

    def _kill(self, number: signal.Signals) -> None:
        if self.pid is not None:
            with suppress(OSError):
                os.killpg(self.pid, number)

    def _take_errors(self, data: bytes) -> None:
        if self._tap.is_flooded(len(data) + LINE_COST * data.count(b"\n")):
            self.slow_down(2)
        if self._tap.is_full:
            self._tap.drop(data.count(b"\n"))
            return
        *lines, self._errors = (self._errors + data).split(b"\n")
        self._errors = self._errors[:MAX_ERROR_LINE]
        for line in lines:
            self._tap.take("stderr", line)

    def _end_soon(self, delay_s: float) -> None:
        """At once when it has exited and its last words are read; one without the other waits a moment for it."""
        if self._has_no_output and self.exited.done():
            self._end()
        else:
            asyncio.get_running_loop().call_later(delay_s, self._end)

    def _end(self) -> None:
        if self._over.done():
            return
        self._over.set_result(None)
        self.outbox.drop()
        status = self.status = None if self._transport is None else self._transport.get_returncode()
        if not self._is_closing:
            self._kill(signal.SIGKILL)  # what lives without output cannot be heard
        self._tap.end()
        self._owner.take_end(tell_end(status))


def resume_reading(pipe: asyncio.ReadTransport) -> None:
    if not pipe.is_closing():
        pipe.resume_reading()


def make_options(how: Stdio) -> str:
    return json.dumps({
        "parent": os.getpid(),
        "memory": None if how.memory_mb is None else how.memory_mb << 20,
        "cpu": how.cpu_s,
        "files": how.open_files,
        "nice": NICE,
        "cwd": how.cwd,
    })  # fmt: skip


def tell_end(status: int | None) -> str:
    """In words for a log and a caller."""
    if status is None:
        return "it closed its output"
    if status < 0:
        with suppress(ValueError):
            return f"it was ended by {signal.Signals(-status).name}"
    return f"it ended with status {status}"
