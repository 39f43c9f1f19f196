"""One child process: started apart from our terminal, logged to a file, ended with everything it started."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict, TypeVar

import psutil

from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.log import last_complaint, log_size, open_log

PR_SET_PDEATHSIG = 1  # linux/prctl.h
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class SystemUser:
    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. To stop, its main process gets `stop_signal` and `patience_s` to end; then its group is killed.

    Only the main process is asked: a Celery pool or a Postgres backend that got the signal as well would drop its work.
    """

    name: str
    argv: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    user: SystemUser | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    patience_s: float = 8.0
    descriptors: tuple[int, ...] = ()  # open files and sockets it inherits, by the same numbers


class LastingThread(threading.Thread):
    """One that lives as long as the launcher, so it may start children: the kernel takes its end for ours."""


class Child:
    """A command that was started. Its pid is also the id of its session and its process group."""

    def __init__(self, command: Command, log: Path) -> None:
        self.command, self.log = command, log
        self._log_start = log_size(log)
        self._process = start_process(command, log)
        self.pid = self._process.pid
        self._is_group_ended = False

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: ended by that signal."""
        return self._process.poll()

    def wait(self) -> int:
        return self._process.wait()

    def wait_for_end(self, seconds: float) -> int | None:
        """Its exit code; None: it still runs after so long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(self.command.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self.command.patience_s)
        self.end_group()

    def end_group(self) -> None:
        """Kills what is left of the group, once: its number may be a stranger's later."""
        if not self._is_group_ended:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses on a group of zombies
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
            self._is_group_ended = True

    def explain_end(self) -> str:
        return self.explain(f"stopped with exit code {self.exit_code}")

    def explain(self, what: str) -> str:
        """One line: what happened to it, the last thing it complained of, where to read more."""
        said = last_complaint(self.log, start=self._log_start)
        return f"{self.command.name} {what}{f' ({said})' if said else ''}; see {self.log}"


def start_process(command: Command, log: Path) -> subprocess.Popen[bytes]:
    """Raises LaunchError if the program cannot be started."""
    thread = threading.current_thread()
    if thread is not threading.main_thread() and not isinstance(thread, LastingThread):
        # The kernel takes the end of the starting thread for our end (see die_with_us).
        raise RuntimeError("child processes are started from the main thread or a lasting one only")
    output = open_log(log)
    try:
        return subprocess.Popen(
            command.argv,
            cwd=command.folder,
            env=command.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=command.descriptors,
            preexec_fn=die_with_us(command.stop_signal),  # noqa: PLW1509 (a single system call)
            **as_user(command.user),
        )
    except OSError as error:
        raise LaunchError(
            f"{command.name} could not be started ({error}): run `make run` from a fresh clone"
        ) from error
    finally:
        os.close(output)


class UserArguments(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def as_user(user: SystemUser | None) -> UserArguments:
    """For subprocess: as this user without further groups, or as ourselves."""
    return {"user": user.uid, "group": user.gid, "extra_groups": []} if user else {}


def die_with_us(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """On Linux the kernel sends `stop_signal` to a child whose launcher was killed. Elsewhere the next start does."""
    if sys.platform != "linux":
        return None
    prctl, launcher = ctypes.CDLL(None).prctl, os.getpid()

    def ask_kernel() -> None:
        prctl(PR_SET_PDEATHSIG, int(stop_signal))
        if os.getppid() != launcher:
            os._exit(1)

    return ask_kernel


def creation_time(pid: int) -> float | None:
    """When it was started (unix seconds), which with the pid names a process for good; None: no live process."""
    try:
        process = psutil.Process(pid)
        created_at_s: float = process.create_time()
    except psutil.Error:
        return None
    return created_at_s if is_live(process) else None


def is_live(process: psutil.Process) -> bool:
    """A zombie is not: nobody may ever collect it where process 1 is not an init."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def wait_for(ask: Callable[[], Answer | None], child: Child, *, seconds: float, pause_s: float = 0.02) -> Answer:
    """The first answer that is true. Raises LaunchError if the child ends first, or after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        if child.exit_code is not None:
            raise LaunchError(child.explain_end())
        if time.monotonic() > deadline:
            raise LaunchError(child.explain(f"was not ready after {seconds:.0f} s"))
        time.sleep(pause_s)
    return answer
