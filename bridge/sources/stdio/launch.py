"""Becomes a server: run by a bare interpreter between the gateway and the command, which it then is (exec).

    python -I -S launch.py '{"parent": PID, "memory": BYTES, ...}' COMMAND ARGUMENT ...

What is set here cannot be set from outside without running code in a forked gateway: the death signal, the limits.
Imports nothing of ours. Status 127: no such command, 126: it cannot be run, 125: the gateway is gone already.
"""

import json
import os
import resource
import signal
import struct
import sys
from contextlib import suppress
from typing import Any

DEATH_SIGNAL, NO_NEW_PRIVILEGES, DROP = 1, 38, 24  # PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP of prctl(2)
SYS_ADMIN, PERFMON = 21, 38  # capabilities(7): root's way round the wall
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # landlock(7), on every machine the same numbers
ASK_VERSION, BENEATH = 1, 1
SIGNALS, MOVES = 1 << 1, 1 << 13  # LANDLOCK_SCOPE_SIGNAL of version 6, LANDLOCK_ACCESS_FS_REFER of version 2


def main() -> None:
    options: dict[str, Any] = json.loads(sys.argv[1])
    command = sys.argv[2:]
    if sys.platform == "linux":
        bind_to_parent(options["parent"])
        wall_off()
    set_limits(options)
    reset_signals()
    os.closerange(3, 1 << 20)
    try:
        if options["cwd"]:
            os.chdir(options["cwd"])
        os.execvp(command[0], command)  # noqa: S606 - that there is no shell is the point
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be run: {error}\n")
        sys.exit(127 if isinstance(error, FileNotFoundError) else 126)


def bind_to_parent(parent: int) -> None:
    """The kernel kills us when the gateway dies, in whatever way. No setuid program may undo that."""
    import ctypes

    libc = ctypes.CDLL(None)
    libc.prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(125)  # it died before we asked


def wall_off() -> None:
    """Into a domain of its own (Landlock): it and its children look into each other, and into no other process: neither
    the gateway, in whose environment keys are, nor another server, in whose there may be a tenant's secrets. A domain
    needs a rule: it signals none of them, or, before Linux 6.12, it mounts nothing. Kernels without it do without.
    """
    import ctypes

    libc = ctypes.CDLL(None)
    call = libc.syscall
    for capability in (SYS_ADMIN, PERFMON):
        libc.prctl(DROP, capability, 0, 0, 0)
    version = call(CREATE_RULESET, None, ctypes.c_size_t(0), ASK_VERSION)
    if version < 2:
        return
    handled = (0, 0, SIGNALS) if version >= 6 else (MOVES,)
    attributes = struct.pack(f"={len(handled)}Q", *handled)
    ruleset = call(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if version < 6:  # files are moved as before, everywhere
        rule = struct.pack("=Qi", MOVES, os.open("/", os.O_PATH))
        call(ADD_RULE, ruleset, BENEATH, rule, 0)
    call(RESTRICT_SELF, ruleset, 0)


def set_limits(options: dict[str, Any]) -> None:
    """Memory is what it may write to, not what it reserves (RLIMIT_DATA): V8 reserves gigabytes it never touches."""
    for kind, wanted in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, options["memory"]),
        (resource.RLIMIT_CPU, options["cpu"]),
        (resource.RLIMIT_NOFILE, options["files"]),
    ):
        if wanted is not None:
            hard = resource.getrlimit(kind)[1]
            limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(kind, (limit, limit))
    with suppress(OSError):
        os.nice(options["nice"])


def reset_signals() -> None:
    """What the gateway ignores its children do not; handlers end with exec anyway."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


if __name__ == "__main__":
    main()
