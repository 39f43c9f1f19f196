"""PostgreSQL: behind a private socket and a password, recovering by itself, and nothing outside its folders touched."""

import contextlib
import os
import resource
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import psycopg
import pytest

from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.fixture import start_for_tests
from mcp_saas.embedded.place import (
    can_use,
    choose_place,
    copy_package,
    find_abandoned,
    find_nobody,
    find_package,
    find_programs,
    tell_abandoned,
)
from mcp_saas.embedded.postgres import start_postgres
from mcp_saas.embedded.process import SystemUser
from mcp_saas.embedded.registry import ProcessRegistry
from mcp_saas.embedded.state import StateFolder, open_state
from mcp_saas.embedded.supervisor import Supervisor
from tests.faults.embedded_instance import discard_home, eventually, is_running

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="PostgreSQL runs as another user only if root starts it")
STRANGER = SystemUser("stranger", 54321, 54321)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFolder]:
    with open_state(tmp_path / "home") as state:
        yield state
    discard_home(state.home)


@pytest.fixture
def supervisor(state: StateFolder) -> Iterator[Supervisor]:
    supervisor = Supervisor(state)
    yield supervisor
    supervisor.stop_all()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder every user can enter: pytest's own ones are closed."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def ask(url: str, query: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    return str(row[0]) if row else ""


def keep_row(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'yes' AS word")


def server_pid(state: StateFolder) -> int:
    return next(record.pid for record in ProcessRegistry(state).read() if record.name == "postgres")


def socket_folder(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0])


def modes(*paths: Path) -> dict[Path, tuple[int, int, int]]:
    """Mode and owner of every folder from these up to the root."""
    folders = {parent for path in paths for parent in (path, *path.parents) if parent.exists()}
    return {path: (path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in folders}


def test_only_the_password_opens_it_and_only_through_the_socket(state: StateFolder, supervisor: Supervisor) -> None:
    url = start_postgres(state, supervisor, is_durable=False)
    password = urlsplit(url).password or ""
    assert len(password) == 64
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        ask(url.replace(f":{password}", ""), "SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        ask(url.replace(password, "0" * 64), "SELECT 1")
    process = psutil.Process(server_pid(state))
    [path] = socket_folder(url).glob(".s.PGSQL.5432")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.stat().st_uid == path.parent.stat().st_uid == process.uids().effective != 0
    assert process.net_connections(kind="inet") == []
    assert all(password not in " ".join(found.cmdline()) for found in (process, *process.children()))
    assert password not in (state.log / "postgres.log").read_text()


def test_it_is_set_up_for_thousands_of_schemas_in_little_memory(state: StateFolder, supervisor: Supervisor) -> None:
    url = start_postgres(state, supervisor)
    wanted = {
        "server_version_num": "180004",
        "max_locks_per_transaction": "1024",
        "shared_buffers": "32MB",
        "max_connections": "50",
        "jit": "off",
        "fsync": "on",
        "synchronous_commit": "on",
        "password_encryption": "scram-sha-256",
        "server_encoding": "UTF8",
        "TimeZone": "UTC",
    }
    found = {name: ask(url, f"SELECT current_setting('{name}')") for name in wanted}
    assert found == wanted
    assert (choose_place(state).base / "pg_hba.conf").read_text() == "local all all scram-sha-256\n"
    assert ask(url, "SELECT lower('ÉCLAIR') || current_database()") == "éclairdazbox"


def test_who_logs_in_is_no_superuser_and_no_superuser_can_log_in(state: StateFolder, supervisor: Supervisor) -> None:
    url = start_postgres(state, supervisor)
    query = "SELECT string_agg(rolname, ',') FROM pg_roles WHERE rolcanlogin AND {} AND NOT starts_with(rolname, 'pg_')"
    assert ask(url, query.format("NOT rolsuper AND NOT rolinherit AND NOT rolcreatedb")) == "dazbox"
    assert ask(url, query.format("rolsuper")) == "postgres"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        ask(url.replace("//dazbox:", "//postgres:"), "SELECT 1")


def test_its_data_are_there_after_a_stop(state: StateFolder, supervisor: Supervisor) -> None:
    url = start_postgres(state, supervisor, is_durable=False)
    keep_row(url)
    supervisor.stop_all()
    assert start_postgres(state, supervisor, is_durable=False) == url
    assert ask(url, "SELECT word FROM kept") == "yes"


def test_what_was_committed_is_there_after_its_process_was_killed(state: StateFolder, supervisor: Supervisor) -> None:
    keep_row(start_postgres(state, supervisor))
    pid = server_pid(state)
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: not is_running(pid))
    supervisor.stop_all()
    assert ask(start_postgres(state, supervisor), "SELECT word FROM kept") == "yes"


def test_a_server_that_outlived_its_launcher_is_ended_and_started_again(
    state: StateFolder, supervisor: Supervisor
) -> None:
    lost = Supervisor(state)
    keep_row(start_postgres(state, lost, is_durable=False))
    pid = server_pid(state)
    (state.run / "processes.json").unlink()
    assert ask(start_postgres(state, supervisor, is_durable=False), "SELECT word FROM kept") == "yes"
    assert server_pid(state) != pid
    assert not is_running(pid)
    lost.stop_all()


def test_a_lock_file_that_names_a_stranger_does_not_stop_the_start(state: StateFolder, supervisor: Supervisor) -> None:
    url = start_postgres(state, supervisor, is_durable=False)
    place = choose_place(state)
    lock = (place.data / "postmaster.pid").read_text()
    os.kill(server_pid(state), signal.SIGKILL)
    supervisor.stop_all()
    user = {"user": place.user.uid} if place.user else {}
    with subprocess.Popen(["sleep", "60"], **user) as stranger:
        for path in (place.data / "postmaster.pid", place.sockets / ".s.PGSQL.5432.lock"):
            path.write_text("\n".join([str(stranger.pid), *lock.splitlines()[1:]]) + "\n")
        assert start_postgres(state, supervisor, is_durable=False) == url
        assert stranger.poll() is None
        stranger.kill()


def test_two_instances_run_beside_each_other(state: StateFolder, supervisor: Supervisor, tmp_path: Path) -> None:
    with open_state(tmp_path / "other") as other_state:
        other = Supervisor(other_state)
        try:
            url, other_url = (
                start_postgres(s, v, is_durable=False) for s, v in ((state, supervisor), (other_state, other))
            )
            keep_row(url)
            assert ask(url, "SELECT to_regclass('kept')") == "kept"
            assert ask(other_url, "SELECT to_regclass('kept')") == "None"
        finally:
            other.stop_all()
            discard_home(other_state.home)


def test_a_home_with_a_long_and_odd_name_works(tmp_path: Path) -> None:
    home = tmp_path / ('it\'s a "long", odd name % ' + "é" * 30)
    with open_state(home) as state:
        supervisor = Supervisor(state)
        try:
            assert ask(start_postgres(state, supervisor, is_durable=False), "SELECT 1") == "1"
        finally:
            supervisor.stop_all()
            discard_home(home)


def test_nothing_outside_its_folders_changes_mode_or_owner(state: StateFolder, supervisor: Supervisor) -> None:
    outside = (state.home, Path.home(), Path(tempfile.gettempdir()), Path("/var/lib"), find_package())
    before = modes(*outside)
    entries = set(Path(tempfile.gettempdir()).iterdir())
    start_postgres(state, supervisor, is_durable=False)
    supervisor.stop_all()
    assert modes(*outside) == before
    assert not {path for path in set(Path(tempfile.gettempdir()).iterdir()) - entries if "pgserver" in path.name}


def test_a_cluster_that_cannot_be_made_is_told_in_one_line_and_leaves_no_half(
    state: StateFolder, supervisor: Supervisor
) -> None:
    with largest_file(1_000_000), pytest.raises(LaunchError, match=r"^PostgreSQL could not be set up in ") as failed:
        start_postgres(state, supervisor, is_durable=False)
    assert "File too large): make room, or choose another folder" in str(failed.value)
    assert "\n" not in str(failed.value)
    assert not choose_place(state).data.exists()
    assert ask(start_postgres(state, supervisor, is_durable=False), "SELECT 1") == "1"


@contextlib.contextmanager
def largest_file(size_bytes: int) -> Iterator[None]:
    """No file of ours or of our children grows over this: what a full disk does to them."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_lost_password_and_a_cluster_of_another_release_are_told_in_one_line(
    state: StateFolder, supervisor: Supervisor
) -> None:
    start_postgres(state, supervisor, is_durable=False)
    supervisor.stop_all()
    secret = state.secrets / "postgres"
    secret.rename(secret.with_name("mislaid"))
    with pytest.raises(LaunchError, match=f"^{secret}, the database's password, is gone: bring it back, or choose"):
        start_postgres(state, supervisor, is_durable=False)
    secret.with_name("mislaid").rename(secret)
    (choose_place(state).data / "PG_VERSION").write_text("17\n")
    with pytest.raises(LaunchError, match=r"is of PostgreSQL 17, not 18: move .*/home away, or choose another folder"):
        start_postgres(state, supervisor, is_durable=False)


def test_a_server_that_fails_to_start_tells_why_and_where_to_read(state: StateFolder, supervisor: Supervisor) -> None:
    start_postgres(state, supervisor, is_durable=False)
    supervisor.stop_all()
    (choose_place(state).data / "global" / "pg_control").unlink()
    with pytest.raises(
        LaunchError, match=r"^postgres stopped with exit code \d+ \(.*pg_control.*\); see .*/postgres\.log$"
    ):
        start_postgres(state, supervisor, is_durable=False)


def test_who_may_enter_is_read_from_the_modes_of_all_parents(open_folder: Path) -> None:
    below = open_folder / "closed" / "file"
    below.parent.mkdir()
    below.write_text("")
    below.chmod(0o644)
    assert can_use(below, STRANGER)
    below.parent.chmod(0o711)
    assert can_use(below, STRANGER)
    below.parent.chmod(0o700)
    assert not can_use(below, STRANGER)
    assert can_use(open_folder, STRANGER)
    assert not can_use(below.parent, STRANGER)
    assert not can_use(open_folder / "missing", STRANGER)
    below.parent.chmod(0o755)
    below.chmod(0o600)
    assert not can_use(below, STRANGER)
    assert can_use(below, SystemUser("owner", os.getuid(), os.getgid()))
    below.chmod(0o640)
    assert can_use(below, SystemUser("in the group", STRANGER.uid, below.stat().st_gid))
    below.chmod(0o604)
    assert not can_use(below, SystemUser("in the group", STRANGER.uid, below.stat().st_gid))


@as_root
def test_root_keeps_the_data_in_the_state_folder_if_nobody_can_reach_it(open_folder: Path) -> None:
    home = open_folder / "home"
    home.mkdir()
    home.chmod(0o755)
    with open_state(home) as state:
        place = choose_place(state)
    assert place.base == home / "postgres"
    assert stat.S_IMODE(home.stat().st_mode) == 0o755
    home.rename(open_folder / "moved")
    with open_state(open_folder / "moved") as state:
        assert choose_place(state).base == open_folder / "moved" / "postgres"


@as_root
def test_root_keeps_the_data_of_a_closed_home_apart_and_they_follow_a_moved_home(tmp_path: Path) -> None:
    home, moved, copy = tmp_path / "home", tmp_path / "moved", tmp_path / "copy"
    with open_state(home) as state:
        base = choose_place(state).base
    assert base.parent == Path("/var/lib/dazbox")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (base.parent, base, base / "run")] == [0o711, 0o711, 0o700]
    assert (home / "postgres.location").read_text() == str(base)
    shutil.copytree(home, copy)
    with open_state(copy) as state, pytest.raises(LaunchError, match=f"^{copy} is a copy of {home}, which owns"):
        choose_place(state)
    home.rename(moved)
    with open_state(moved) as state:
        assert choose_place(state).base == base
    discard_home(moved)
    with (
        open_state(moved) as state,
        pytest.raises(LaunchError, match=f"is gone from {base}: move {moved} away to start"),
    ):
        choose_place(state)


@as_root
def test_root_is_told_of_the_database_of_a_state_folder_that_was_removed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_state(home) as state:
        base = choose_place(state).base
    shutil.rmtree(home)
    with open_state(home) as state:
        line = tell_abandoned(choose_place(state))
    assert "They may be somebody else's, or moved" in line
    assert "rm -r" not in line
    assert base in find_abandoned(choose_place(state))
    assert choose_place(state).base not in find_abandoned(choose_place(state))
    shutil.rmtree(base)
    discard_home(home)


@as_root
def test_root_gives_nobody_a_copy_of_programs_it_cannot_reach(tmp_path: Path, open_folder: Path) -> None:
    package = find_package()
    assert not can_use(tmp_path, find_nobody())
    hidden = tmp_path / package.name
    shutil.copytree(package, hidden, ignore=shutil.ignore_patterns("pginstall", "include"))
    shutil.copytree(package.with_name(f"{package.name}.libs"), hidden.with_name(f"{hidden.name}.libs"))
    for path in hidden.rglob("*"):
        path.chmod(0o700)  # as under umask 077
    programs = copy_package(hidden, open_folder) / "pginstall18" / "bin"
    done = subprocess.run(
        [programs / "initdb", "--version"], user="nobody", extra_groups=[], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("initdb (PostgreSQL) 18")
    assert all(path.stat().st_uid == 0 and not path.stat().st_mode & 0o022 for path in programs.rglob("*"))
    assert copy_package(hidden, open_folder) / "pginstall18" / "bin" == programs


def test_the_installed_programs_are_used_where_they_can_be(state: StateFolder) -> None:
    place = choose_place(state)
    programs = find_programs(place)
    expected = find_package() if place.user is None or can_use(find_package(), place.user) else place.base
    assert programs.is_relative_to(expected)


def test_test_runs_beside_each_other_have_services_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("REDIS_URL")
    database_url, redis_url, stop = start_for_tests(tmp_path / "test")
    other_database_url, other_redis_url, stop_other = start_for_tests(tmp_path / "test")
    try:
        assert ask(database_url, "SHOW fsync") == "off"
        assert database_url != other_database_url
        assert redis_url != other_redis_url
    finally:
        stop_other()
        stop()
        discard_home(tmp_path / "test")
        discard_home(tmp_path / "test-2")
    with pytest.raises(psycopg.OperationalError):
        ask(database_url, "SELECT 1")
