"""`make manage ARGS="..."`: a command of manage.py on the instance that `make run` runs, with its environment."""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import NoReturn

import psutil

from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.options import read_options
from mcp_saas.embedded.process import creation_time
from mcp_saas.embedded.registry import SAME_MOMENT_S, ProcessRegistry
from mcp_saas.embedded.state import PROJECT, StateFolder

PROCESSES = ("worker", "web")  # either has it; one of them may be starting anew


def find_environment(state: StateFolder) -> dict[str, str]:
    """What the launcher gave its processes. Read off a live one: secrets are written down nowhere for it.

    Raises LaunchError when none runs, or none of ours.
    """
    try:
        records = {record.name: record for record in ProcessRegistry(state).read()}
    except PermissionError as error:
        raise LaunchError(f"{state.home} is another user's: say this as the user who said `make run`") from error
    for record in (records[name] for name in PROCESSES if name in records):
        created_at_s = creation_time(record.pid)
        if created_at_s is None or abs(created_at_s - record.created_at_s) > SAME_MOMENT_S:
            continue
        with suppress(psutil.Error):
            return dict(psutil.Process(record.pid).environ())
    raise LaunchError(
        f"Nothing runs on {state.home}: start it with `make run`, then say this in another terminal. "
        "An instance with a folder of its own: `make manage DAZBOX_HOME=var2 ARGS=...`"
    )


def become_manage(arguments: list[str], *, given: Mapping[str, str]) -> NoReturn:
    """This process is manage.py from here on. Raises LaunchError."""
    home = read_options({"DAZBOX_HOME": given.get("DAZBOX_HOME", "")}).home.resolve()
    environment = {**given, **find_environment(StateFolder(home, instance=""))}
    program = (sys.executable, str(PROJECT / "manage.py"), *arguments)
    os.execve(sys.executable, program, environment)  # noqa: S606 (our own program, without a shell)


if __name__ == "__main__":
    try:
        become_manage(sys.argv[1:], given=os.environ)
    except LaunchError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
