"""The real knowledge service, for as long as a test or a session of tests needs it."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mcp_saas.embedded.knowledge.command import is_ready, knowledge_command
from mcp_saas.embedded.process import Child, wait_for

READY_BUDGET_S = 90.0


@contextmanager
def run_service(
    folder: Path,
    listener: socket.socket,
    *,
    environment: Mapping[str, str],
    api_key: str = "",
    idle_s: float | None = None,
) -> Iterator[Child]:
    """It owns `folder` and answers on `listener`; what it says is in `service.log` beside its folder."""
    command = knowledge_command(folder / "state", listener, api_key=api_key, environment=environment, idle_s=idle_s)
    child = Child(command, folder / "service.log")
    try:
        wait_for(lambda: is_ready(listener), child, seconds=READY_BUDGET_S)
        yield child
    finally:
        child.stop()
