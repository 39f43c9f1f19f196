"""A short command of ours: run to its end, its output kept."""

import signal
import subprocess
import sys
from collections.abc import Mapping

from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.process import die_with_us
from mcp_saas.embedded.state import PROJECT


class ToolError(LaunchError):
    """`said`: the last line of what it said."""

    def __init__(self, tool: str, said: str) -> None:
        super().__init__(f"{tool} failed: {said}")
        self.said = said


def run_tool(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """What it printed. Raises ToolError."""
    done = subprocess.run(
        (sys.executable, "-m", module, *arguments),
        cwd=PROJECT, env=environment, capture_output=True, text=True, check=False,
        preexec_fn=die_with_us(signal.SIGKILL),
    )  # fmt: skip
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ToolError(
            f"{module} {arguments[0]}", said[-1] if said else f"it said nothing (exit code {done.returncode})"
        )
    return done.stdout
