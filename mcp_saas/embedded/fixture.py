"""The real PostgreSQL and Valkey for a test run."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from mcp_saas.embedded.engines import start_engines
from mcp_saas.embedded.errors import InUseError
from mcp_saas.embedded.state import StateFolder, open_state
from mcp_saas.embedded.supervisor import Supervisor

PARALLEL_RUNS = 8


def start_for_tests(home: Path) -> tuple[str, str, Callable[[], None]]:
    """(database URL, Redis URL, stop). The folder is kept between runs for speed; a run beside another takes `home-2`.

    The data would not survive a crash of the machine (fsync is off). To be called from the main thread.
    Raises LaunchError.
    """
    with contextlib.ExitStack() as starting:
        state = open_free_state(home, starting)
        supervisor = Supervisor(state)
        starting.callback(supervisor.stop_all)
        supervisor.end_leftovers()
        database_url, redis_url = start_engines(state, supervisor, given=os.environ, is_durable=False)
        return database_url, redis_url, starting.pop_all().close


def open_free_state(home: Path, starting: contextlib.ExitStack) -> StateFolder:
    """The first of `home`, `home-2`, `home-3` ... that no other run holds."""
    others = [home.with_name(f"{home.name}-{number}") for number in range(2, PARALLEL_RUNS)]
    for candidate in (home, *others):
        with contextlib.suppress(InUseError):
            return starting.enter_context(open_state(candidate))
    return starting.enter_context(open_state(home.with_name(f"{home.name}-{PARALLEL_RUNS}")))
