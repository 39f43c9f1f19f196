"""A launcher over the real services with two small stand-ins for the web and the worker: `python <this file>`."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from mcp_saas.embedded.__main__ import run_launcher
from mcp_saas.embedded.process import Command
from mcp_saas.embedded.run import AdminAccess, ClientAccess, DazboxAccess, LaunchContext, Product, RunInfo

ENVIRON = os.environ  # noqa: TID251 - what a launcher is started with is what is tested here
PROJECT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60.0  # beside whatever else this machine does
SERVICES = {"DATABASE_URL", "REDIS_URL", "QDRANT_URL", "QDRANT_API_KEY", "EMBEDDER_URL"}  # of the test run

WEB = """
import http.server, os
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/api/v1/health" else 404)
        self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Health).serve_forever()
"""
WORKER = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import signal; signal.pause()'])"


def eventually(is_true: Callable[[], bool], *, seconds: float = DEADLINE_S) -> bool:
    """Looks until it is true, less and less often; False only after the deadline."""
    began_s, pause = time.monotonic(), threading.Event()
    while not is_true():
        waited_s = time.monotonic() - began_s
        if waited_s > seconds:
            return False
        pause.wait(min(0.02 + waited_s / 20, 0.25))  # what is waited for needs the processor too
    return True


def is_running(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def discard_home(home: Path) -> None:
    """Removes what an instance keeps outside its state folder when root starts it."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(home / (home / "postgres.location").read_text(), ignore_errors=True)


def processes_of(home: Path) -> list[psutil.Process]:
    """Every live process that was started for this state folder: by its environment, arguments or working directory."""
    places = {str(home)}
    with contextlib.suppress(FileNotFoundError):
        places.add(str(home / (home / "postgres.location").read_text()))  # it may be relative to the home
    return [process for process in psutil.process_iter() if belongs_to(process, places)]


def kill_processes_of(home: Path) -> None:
    for leftover in processes_of(home):
        with contextlib.suppress(psutil.NoSuchProcess):
            leftover.send_signal(signal.SIGKILL)


def belongs_to(process: psutil.Process, places: set[str]) -> bool:
    try:
        words = (*process.cmdline(), process.cwd(), process.environ().get("DAZBOX_HOME", ""))
        return process.pid != os.getpid() and any(place in word for place in places for word in words)
    except psutil.Error:
        return False


def launcher_environment(home: Path, port: int, **variables: str) -> dict[str, str]:
    inherited = {name: value for name, value in ENVIRON.items() if name not in SERVICES}
    search_path = os.pathsep.join(sys.path)
    return inherited | {"DAZBOX_HOME": str(home), "PORT": str(port), "PYTHONPATH": search_path} | variables


@contextlib.contextmanager
def launcher(
    home: Path, port: int, *, output: int = subprocess.PIPE, **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """A running launcher process; killed with all that is its, at the end of the block, if the test did not end it."""
    environment = launcher_environment(home, port, **variables)
    process = subprocess.Popen([sys.executable, __file__], env=environment, stdout=output, stderr=output, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
        kill_processes_of(home)


def python_command(name: str, code: str, context: LaunchContext) -> Command:
    return Command(name, (sys.executable, "-c", code), context.state.home, context.environment)


def run_demo(context: LaunchContext) -> RunInfo:
    print("a table")  # as the report does
    box = DazboxAccess("box-1", "02" + "0" * 64, "alice", "access-token", "refresh-token")
    admin = AdminAccess(f"{context.api_url}/admin", "operator", "admin-password")
    return RunInfo(context.api_url, None, admin, ClientAccess("shop", "client-secret"), (box,))


def main() -> int:
    prepare = ENVIRON.get("PREPARE", "pass")
    product = Product(
        choose=lambda *_: None,
        preparations=(lambda context: python_command("prepare", prepare, context),),
        web=lambda context: python_command("web", WEB, context),
        worker=lambda context: python_command("worker", WORKER, context),
        run_demo=run_demo,
    )
    return run_launcher(product)


if __name__ == "__main__":
    sys.exit(main())
