"""Which processes we started, on disk: after a `kill -9` of the launcher the next start ends what is left of them."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from mcp_saas.embedded.process import Child, creation_time, is_live
from mcp_saas.embedded.state import StateFolder
from mcp_saas.kit.private_file import write_private_file

SAME_MOMENT_S = 2.0  # the boot time, and so a start time counted from it, moves a little when the clock is set


@dataclass(frozen=True, slots=True)
class Record:
    name: str
    pid: int
    created_at_s: float
    stop_signal: int
    patience_s: float


class ProcessRegistry:
    """`run/processes.json`, in the order of starting."""

    def __init__(self, state: StateFolder) -> None:
        self._home = state.home
        self._path = state.run / "processes.json"

    def write(self, children: Iterable[Child]) -> None:
        records = [record for child in children if (record := record_of(child))]
        write_private_file(self._path, json.dumps([asdict(record) for record in records], indent=1))

    def read(self) -> list[Record]:
        """Empty if there is no file, or none of ours."""
        try:
            return [Record(**found) for found in json.loads(self._path.read_text())]
        except (FileNotFoundError, ValueError, TypeError):
            return []

    def end_leftovers(self) -> list[str]:
        """Ends what an earlier launcher left running, last started first; answers their names."""
        ended = [record.name for record in reversed(self.read()) if end_leftover(record, self._home)]
        self.write([])
        return ended


def record_of(child: Child) -> Record | None:
    created_at_s = creation_time(child.pid)
    if created_at_s is None:
        return None
    command = child.command
    return Record(command.name, child.pid, created_at_s, int(command.stop_signal), command.patience_s)


def end_leftover(record: Record, home: Path) -> bool:
    """Ends the process if it is the very one we started, and the rest of its session. True if there was any."""
    found = creation_time(record.pid)
    if found is not None and abs(found - record.created_at_s) > SAME_MOMENT_S:
        return False  # the number now belongs to a stranger
    if found is not None:
        end_processes([psutil.Process(record.pid)], signal.Signals(record.stop_signal), patience_s=record.patience_s)
    psutil.process_iter.cache_clear()  # it would show a process that had the same number before
    orphans = [process for process in psutil.process_iter() if is_orphan(process, session=record.pid, home=home)]
    end_processes(orphans, signal.SIGKILL, patience_s=record.patience_s)
    return found is not None or bool(orphans)


def end_processes(processes: list[psutil.Process], stop_signal: signal.Signals, *, patience_s: float) -> None:
    """Asks processes that are not our children to stop, and kills those still there after `patience_s`."""
    for asked in (stop_signal, signal.SIGKILL):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(asked)
        if wait_gone(processes, seconds=patience_s):
            return


def wait_gone(processes: list[psutil.Process], *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(is_live(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_orphan(process: psutil.Process, *, session: int, home: Path) -> bool:
    """A live process of that session which was started for this state folder; the session's number may be used anew."""
    try:
        is_member = os.getsid(process.pid) == session and is_live(process)
        return is_member and process.environ().get("DAZBOX_HOME") == str(home)
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False
