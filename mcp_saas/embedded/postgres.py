"""A real PostgreSQL 18 from a wheel, run by ourselves: one Unix socket, a password, nothing else open."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import psutil

from mcp_saas.embedded.disk import check_free_space
from mcp_saas.embedded.errors import CHOOSE_ANOTHER, LaunchError
from mcp_saas.embedded.log import COMPLAINT, find_complaint
from mcp_saas.embedded.place import PostgresPlace, choose_place, find_programs, make_owned_folder
from mcp_saas.embedded.process import Command, as_user, is_live, wait_for
from mcp_saas.embedded.registry import end_processes
from mcp_saas.embedded.state import StateFolder
from mcp_saas.embedded.supervisor import Supervisor

MAJOR = "18"
ROLE = DATABASE = "dazbox"
# Nobody can log in as the superuser that owns the cluster: it has no password, and nothing else is accepted.
SUPERUSER = "postgres"
MAKE_LARGE_OBJECTS = ("lo_creat(int)", "lo_create(oid)", "lo_from_bytea(oid, bytea)")
TEST_ROLES = "pg_monitor, pg_read_all_data, pg_checkpoint"
SERVICE = "postgres"
READY_BUDGET_S = 60.0  # crash recovery of thousands of schemas
STOP_PATIENCE_S = 30.0  # the checkpoint of a clean stop
BARE_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "50",
    "max_locks_per_transaction": "1024",  # pg_dump of thousands of schemas locks every table at once
    "shared_buffers": "32MB",
    "huge_pages": "off",
    "jit": "off",  # compiling costs more than these short queries
    "io_method": "sync",  # saves three I/O worker processes
    "max_parallel_workers_per_gather": "0",
    "wal_level": "minimal",  # nobody replicates from here
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "min_wal_size": "8MB",
    "max_wal_size": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",  # details quote whole rows, names of nodes among them ...
    "log_min_error_statement": "panic",  # ... and so do statements
}
LINUX_SETTINGS = {"recovery_init_sync_method": "syncfs"}  # 98 s of recovery became 7 s with 10,000 schemas
FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def start_postgres(state: StateFolder, supervisor: Supervisor, *, is_durable: bool = True) -> str:
    """Starts the database of this state folder, answers its URL. `is_durable=False`: for tests, a crash may lose data.

    1. choose where and as whom  2. end what an earlier one left  3. make the cluster if there is none
    4. write its settings  5. start it  6. wait until it is ready. Raises LaunchError.
    """
    place = choose_place(state)
    check_free_space(place.base)
    programs = find_programs(place)
    end_stale_server(place)
    if place.data.exists():
        check_cluster(place, state)
    else:
        create_cluster(place, programs, password=state.secret(SERVICE), is_durable=is_durable)
    write_settings(place, is_durable=is_durable)
    child = supervisor.start(server_command(place, programs))
    wait_for(lambda: is_ready(place.data, child.pid), child, seconds=READY_BUDGET_S)
    return database_url(place, state.secret(SERVICE))


def database_url(place: PostgresPlace, password: str) -> str:
    return f"postgresql://{ROLE}:{password}@/{DATABASE}?host={quote(str(place.sockets))}"


def server_command(place: PostgresPlace, programs: Path) -> Command:
    settings = place.base / "postgresql.conf"
    return Command(
        SERVICE,
        (str(programs / "postgres"), "-D", str(place.data), "-c", f"config_file={settings}"),
        place.base,
        BARE_ENVIRONMENT,
        user=place.user,
        stop_signal=signal.SIGINT,  # "fast": sessions are ended, then all is written down
        patience_s=STOP_PATIENCE_S,
    )


def is_ready(data: Path, pid: int) -> bool:
    """What `pg_ctl -w` looks at: the eighth line of postmaster.pid, in the file of this very process."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def end_stale_server(place: PostgresPlace) -> None:
    """After a killed launcher: stops a server that still works in our data, and removes its lock when none is left.

    Postgres would trust the process number in postmaster.pid alone, which after a restart of the machine (or of a
    container) may be any process of the same user.
    """
    lock = place.data / "postmaster.pid"
    if not lock.exists():
        return
    end_processes(find_servers(place.data), signal.SIGINT, patience_s=STOP_PATIENCE_S)
    if left := find_servers(place.data):
        raise LaunchError(
            f"A PostgreSQL of an earlier start does not end (process {left[0].pid}): end it, then start again"
        )
    lock.unlink(missing_ok=True)
    for leftover in place.sockets.glob(".s.PGSQL.*"):
        leftover.unlink(missing_ok=True)


def find_servers(data: Path) -> list[psutil.Process]:
    """Every live process of a Postgres server has its data folder as working directory."""
    return [process for process in psutil.process_iter() if is_live(process) and works_in(process, data.resolve())]


def works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return bool(process.cwd() == str(folder) and process.name().startswith("postgres"))
    except (psutil.Error, FileNotFoundError):
        return False


def create_cluster(place: PostgresPlace, programs: Path, *, password: str, is_durable: bool) -> None:
    """Makes the cluster and its database in a draft folder: `data` exists only when it is whole.

    The builtin locale gives every machine the same order (by code point) and knows upper and lower case of all letters.
    """
    draft = place.base / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    make_owned_folder(draft, place.user)
    initdb = [
        str(programs / "initdb"), f"--pgdata={draft}", f"--username={SUPERUSER}", "--auth=reject", "--encoding=UTF8",
        "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--wal-segsize=4", "--no-instructions",
        *([] if is_durable else ["--no-sync"]),
    ]  # fmt: skip
    run_program(initdb, place)
    single = [str(programs / "postgres"), "--single", "-D", str(draft), *([] if is_durable else ["-F"]), "template1"]
    run_program(single, place, statement=script_roles(password, is_durable=is_durable))
    draft.rename(place.data)


def script_roles(password: str, *, is_durable: bool) -> str:
    """The role that logs in and its database, a statement a line. Tests make databases, and may look everywhere.

    In template1: no database that comes from it lets anybody make large objects, which lie in no schema.
    """
    lines = [
        *(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC" for function in MAKE_LARGE_OBJECTS),
        f"CREATE ROLE {ROLE} LOGIN NOINHERIT CREATEROLE PASSWORD '{password}'",
        f"CREATE DATABASE {DATABASE} OWNER {ROLE}",
    ]
    if not is_durable:
        lines += [f"ALTER ROLE {ROLE} CREATEDB", f"GRANT {TEST_ROLES} TO {ROLE} WITH INHERIT FALSE, SET TRUE"]
    return "".join(f"{line}\n" for line in lines)


def run_program(argv: list[str], place: PostgresPlace, *, statement: str = "") -> None:
    """Raises LaunchError with the last complaint. The single-user server tells of an error in words alone."""
    done = subprocess.run(
        argv,
        input=statement,
        capture_output=True,
        text=True,
        check=False,
        cwd=place.base,
        env=BARE_ENVIRONMENT,
        **as_user(place.user),
    )
    if done.returncode != 0 or COMPLAINT.search(done.stderr):
        said = find_complaint(done.stderr) or f"exit code {done.returncode}"
        raise LaunchError(f"PostgreSQL could not be set up in {place.base} ({said}): make room, or {CHOOSE_ANOTHER}")


def check_cluster(place: PostgresPlace, state: StateFolder) -> None:
    major = (place.data / "PG_VERSION").read_text().strip()
    if major != MAJOR:
        raise LaunchError(
            f"{place.data} is of PostgreSQL {major}, not {MAJOR}: move {state.home} away, or {CHOOSE_ANOTHER}"
        )
    if not state.has_secret(SERVICE):
        raise LaunchError(
            f"{state.secrets / SERVICE}, the database's password, is gone: bring it back, or {CHOOSE_ANOTHER}"
        )


def write_settings(place: PostgresPlace, *, is_durable: bool) -> None:
    """Written at every start, outside the data folder: the server can read but not change them."""
    access = place.base / "pg_hba.conf"
    settings = SETTINGS | {
        "unix_socket_directories": '"' + str(place.sockets).replace('"', '""') + '"',
        "hba_file": str(access),
        "ident_file": str(place.data / "pg_ident.conf"),
    }
    settings |= LINUX_SETTINGS if sys.platform == "linux" else {}
    settings |= {} if is_durable else FAST_SETTINGS
    lines = [f"{name} = '" + value.replace("'", "''") + "'\n" for name, value in settings.items()]
    for path, text in ((access, "local all all scram-sha-256\n"), (place.base / "postgresql.conf", "".join(lines))):
        path.write_text(text)
        path.chmod(0o644)
