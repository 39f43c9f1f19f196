"""A real PgBouncer in transaction mode in front of the server of this test run."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.committed import ROOT
from tests.faults.embedded_instance import eventually

PORT = 6432  # in the name of its socket; nothing listens on TCP
FETCHED = ROOT / "var" / "judge" / "pgbouncer"
CONFIGURATION = """
[databases]
{name} = host={host} port={port} dbname={name}
[pgbouncer]
listen_addr =
listen_port = {own_port}
unix_socket_dir = {folder}
auth_type = plain
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {backends}
max_client_conn = 1000
ignore_startup_parameters = options
logfile = {folder}/log
"""


@dataclass(frozen=True)
class Program:
    path: Path
    libraries: Path | None


def find_program() -> Program | None:
    """Installed, or fetched by `make judge`."""
    installed = shutil.which("pgbouncer", path=f"{os.defpath}:/usr/sbin:/usr/local/bin:/opt/homebrew/bin")
    if installed:
        return Program(Path(installed), None)
    fetched = FETCHED / "usr" / "sbin" / "pgbouncer"
    libraries = [path.parent for path in FETCHED.glob("usr/lib/*/libcares.so.2")]
    return Program(fetched, libraries[0]) if fetched.exists() and libraries else None


@contextmanager
def running_pgbouncer(program: Program, params: dict[str, Any], *, backends: int) -> Iterator[Path]:
    """The folder of its socket. `params` are libpq's, of the database behind it."""
    with tempfile.TemporaryDirectory(prefix="pgb-", dir="/tmp") as name:
        folder = Path(name)
        write_configuration(folder, params, backends=backends)
        user = owner_for(params["host"], folder)
        environment = {"LD_LIBRARY_PATH": str(program.libraries)} if program.libraries else {}
        with subprocess.Popen(
            [str(program.path), "-q", str(folder / "pgbouncer.ini")], env=environment, cwd=folder, **user
        ) as process:
            try:
                assert eventually(lambda: answers(folder, params) or process.poll() is not None)
                assert process.poll() is None, (folder / "log").read_text()
                yield folder
            finally:
                process.terminate()


def write_configuration(folder: Path, params: dict[str, Any], *, backends: int) -> None:
    text = CONFIGURATION.format(
        name=params["dbname"], host=params["host"], port=params.get("port") or 5432, own_port=PORT, folder=folder,
        backends=backends,
    )  # fmt: skip
    (folder / "pgbouncer.ini").write_text(text)
    (folder / "users").write_text(f'"{params["user"]}" "{params["password"]}"\n')


def owner_for(host: str, folder: Path) -> dict[str, int]:
    """PgBouncer refuses to run as root: then it runs as whoever may use the server's socket."""
    if os.geteuid() != 0:
        return {}
    found = Path(host).stat() if host.startswith("/") else Path("/").stat()
    uid, gid = (found.st_uid, found.st_gid) if found.st_uid else (65534, 65534)
    for path in (folder, *folder.iterdir()):
        os.chown(path, uid, gid)
    return {"user": uid, "group": gid}


def answers(folder: Path, params: dict[str, Any]) -> bool:
    try:
        with psycopg.connect(**params | {"host": str(folder), "port": PORT}) as session:
            return session.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False
