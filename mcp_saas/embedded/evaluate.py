"""`make evaluate ARGS="..."`: the command of manage.py, over a knowledge service of its own that is thrown away."""

import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from mcp_saas.embedded.knowledge.command import address_of, bind_listener, is_ready, knowledge_command
from mcp_saas.embedded.process import Child, wait_for
from mcp_saas.embedded.state import PROJECT

READY_BUDGET_S = 30.0


def main(arguments: list[str]) -> int:
    """The command's exit code."""
    key = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="dazbox-evaluate-") as folder, bind_listener() as listener:
        given = {**os.environ, "QDRANT_URL": address_of(listener), "QDRANT_API_KEY": key}
        command = knowledge_command(Path(folder) / "state", listener, api_key=key, environment=given, idle_s=None)
        service = Child(command, Path(folder) / "service.log")
        try:
            wait_for(lambda: is_ready(listener), service, seconds=READY_BUDGET_S)
            program = (sys.executable, str(PROJECT / "manage.py"), "evaluate", *arguments)
            return subprocess.run(program, env=given, check=False).returncode
        finally:
            service.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
