"""The state folder: private, held by one launcher, of a known version, with room; and the options of a launch."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_saas.embedded.disk import check_free_space
from mcp_saas.embedded.environment import build_environment, celery_url
from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.migrations import read_migrations
from mcp_saas.embedded.options import read_options
from mcp_saas.embedded.ports import HOST, check_ports
from mcp_saas.embedded.state import (
    FORMAT,
    SOCKET_PATH_LIMIT,
    is_fit_for_sockets,
    make_private_folder,
    open_state,
    version_order,
)
from mcp_saas.kit.private_file import write_private_file
from mcp_saas.kit.version import VERSION
from tests.faults.embedded_instance import PROJECT

HOLD_LOCK = """
import sys
from pathlib import Path
from mcp_saas.embedded.state import open_state
with open_state(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def refusal(home: Path) -> str:
    with pytest.raises(LaunchError) as refused, open_state(home):
        pass
    message = str(refused.value)
    assert "\n" not in message
    return message


def test_everything_in_a_new_folder_is_for_its_user_alone(tmp_path: Path) -> None:
    with open_state(tmp_path / "new" / "home") as state:
        state.secret("one")
    folders = [state.home, state.run, state.log, state.secrets]
    files = [path for path in state.home.rglob("*") if path.is_file()]
    assert {mode_of(folder) for folder in folders} == {0o700}
    assert {path.name for path in files} == {"lock", "state.json", "one"}
    assert {mode_of(path) for path in files} == {0o600}


def test_a_folder_that_was_there_keeps_its_mode_and_its_secrets_folder_is_closed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o755)
    with open_state(home) as state:
        state.secrets.chmod(0o755)
    with open_state(home):
        assert mode_of(home) == 0o755
        assert mode_of(state.secrets) == 0o700


@pytest.mark.parametrize("stranger", ["thesis.txt", "secrets", "lock.txt", ".git", "testament"])
def test_a_folder_of_somebody_else_is_refused_and_nothing_in_it_changes(tmp_path: Path, stranger: str) -> None:
    (tmp_path / stranger).mkdir()
    (tmp_path / stranger).chmod(0o755)
    (tmp_path / "test").mkdir()
    before = {path: path.lstat() for path in (tmp_path, *tmp_path.iterdir())}
    message = refusal(tmp_path)
    assert message.startswith(
        f"{tmp_path} holds {stranger} and no state.json, so it is no state folder of ours: choose"
    )
    assert {path: path.lstat() for path in (tmp_path, *tmp_path.iterdir())} == before


def test_what_a_broken_off_start_or_the_makefile_left_makes_no_stranger(tmp_path: Path) -> None:
    for folder in ("bench", "judge", "test", "test-2"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder).chmod(0o755)
    (tmp_path / "lock").write_text("123")
    (tmp_path / ".state.json.123").write_text("{")
    with open_state(tmp_path) as state:
        assert state.instance
    assert mode_of(tmp_path / "bench") == 0o755


def test_a_folder_goes_on_with_migrations_that_were_added_since(tmp_path: Path) -> None:
    with open_state(tmp_path / "home", migrations={"nodes/0001": "a"}) as state:
        instance = state.instance
    with open_state(tmp_path / "home", migrations={"nodes/0001": "a", "nodes/0002": "b"}) as state:
        assert state.instance == instance
    assert "nodes/0002 is not as it was" in schema_refusal(tmp_path / "home", {"nodes/0001": "a"})


def test_a_folder_of_another_schema_is_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_state(home, migrations={"nodes/0001": "a"}):
        record = (home / "state.json").read_text()
    assert schema_refusal(home, {"nodes/0001": "b"}) == (
        f"The database of {home} was made by other code (nodes/0001 is not as it was): "
        f"move {home} away to start afresh, or choose another folder with `make run DAZBOX_HOME=...`"
    )
    assert (home / "state.json").read_text() == record


def test_a_launched_folder_whose_schema_nobody_wrote_down_is_left_alone(tmp_path: Path) -> None:
    with open_state(tmp_path) as state:
        state.secret("django")
    assert "was made by other code" in schema_refusal(tmp_path, {"nodes/0001": "a"})


def schema_refusal(home: Path, migrations: dict[str, str]) -> str:
    with pytest.raises(LaunchError) as refused, open_state(home, migrations=migrations):
        pass
    return str(refused.value)


def test_the_schema_is_known_by_every_migration_of_ours() -> None:
    migrations = read_migrations(PROJECT)
    assert {"bridge", "mcp_saas", "nodes", "rag", "recommendations", "tenants"} == {
        name.split("/")[0] for name in migrations
    }
    assert all(name.rpartition("/")[2][:4].isdigit() and len(digest) == 64 for name, digest in migrations.items())


def test_a_secret_is_random_and_stays_the_same(tmp_path: Path) -> None:
    with open_state(tmp_path) as state:
        first, other = state.secret("first"), state.secret("other")
        assert len(bytes.fromhex(first)) == 32
        assert first != other
        assert state.secret("first") == first
    with open_state(tmp_path) as again:
        assert again.secret("first") == first
        assert again.instance == state.instance


def test_a_second_launcher_on_a_running_folder_is_told_who_runs_there(tmp_path: Path) -> None:
    with open_state(tmp_path):
        message = refusal(tmp_path)
    assert f"already runs on {tmp_path} (process {os.getpid()})" in message
    assert "make run DAZBOX_HOME=" in message


def test_the_lock_of_a_killed_launcher_is_free(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, str(tmp_path)], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert f"process {holder.pid}" in refusal(tmp_path)
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
    with open_state(tmp_path) as state:
        assert state.home == tmp_path


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"format": FORMAT + 1, "version": VERSION, "instance": "a"}),
        json.dumps({"format": FORMAT, "version": "999.0.0", "instance": "a"}),
        json.dumps({"format": FORMAT, "version": "nightly", "instance": "a"}),
        json.dumps({"format": FORMAT, "version": VERSION}),
        "[]",
        "{",
        "",
    ],
)
def test_a_folder_of_another_version_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    message = refusal(tmp_path)
    assert f"{tmp_path} is not of this version ({VERSION}): move it away, or choose another folder" in message
    assert (tmp_path / "state.json").read_text() == content


def test_a_folder_of_an_older_version_goes_on_under_ours(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps({"format": FORMAT, "version": "0.0.9", "instance": "abc"}))
    with open_state(tmp_path) as state:
        assert state.instance == "abc"
    assert json.loads((tmp_path / "state.json").read_text())["version"] == VERSION


def test_versions_are_ordered_by_number_not_by_letter() -> None:
    assert version_order("0.10.0") > version_order("0.9.1")


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert f"{file} is a file, not a folder" in refusal(file)
    assert "is a file, not a folder" in refusal(file / "below")


def test_a_folder_that_cannot_be_written_is_named() -> None:
    assert "cannot be used" in refusal(Path("/proc/dazbox"))


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"Only \d+ MB free on the disk of .*, \d+ MB needed: free some, or choose"):
        check_free_space(tmp_path, needed_bytes=10**18)


@pytest.mark.parametrize("name", ["x" * 120, "with,comma"])
def test_sockets_go_to_a_private_folder_in_the_temp_folder_if_the_path_is_unfit(tmp_path: Path, name: str) -> None:
    with open_state(tmp_path / name) as state:
        folder = state.socket_folder()
        assert folder.parent == Path(tempfile.gettempdir())
        assert is_fit_for_sockets(folder)
        assert mode_of(folder) == 0o700
        assert state.socket_folder() == folder
        (folder / "valkey.sock").touch()
    assert not folder.exists()


def test_the_longest_socket_path_that_fits_can_be_listened_on(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        room = SOCKET_PATH_LIMIT - len(f"{short}//.s.PGSQL.5432")
        fit, unfit = Path(short, "x" * room), Path(short, "x" * (room + 1))
        assert is_fit_for_sockets(fit)
        assert not is_fit_for_sockets(unfit)
        fit.mkdir()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(fit / ".s.PGSQL.5432"))


def test_a_link_in_the_place_of_a_private_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(LaunchError, match="belongs to another user"):
        make_private_folder(tmp_path / "link")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_what_belongs_to_another_user_is_refused(tmp_path: Path) -> None:
    with open_state(tmp_path) as state:
        os.chown(state.secrets, 12345, 12345)
    assert "belongs to another user" in refusal(tmp_path)
    state.secrets.rmdir()
    os.chown(tmp_path / "state.json", 12345, 12345)
    assert "belongs to another user (id 12345)" in refusal(tmp_path)


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old and readable by all")
    path.chmod(0o644)
    write_private_file(path, "new")
    assert (path.read_text(), mode_of(path), list(tmp_path.iterdir())) == ("new", 0o600, [path])


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as web servers do
        server.bind((HOST, 0))
        server.listen()
        yield server


def test_a_port_in_use_is_told_with_a_free_one_to_take(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(
        LaunchError, match=rf"^Port {port} is in use: choose another with `make run PORT=\d+`$"
    ) as refused:
        check_ports({"PORT": port})
    assert refused.value.exit_code == 2
    check_ports({"PORT": int(str(refused.value).rstrip("`").rpartition("=")[2])})


def test_a_port_is_free_again_as_soon_as_its_server_is_gone(listener: socket.socket) -> None:
    address = listener.getsockname()
    with socket.create_connection(address):
        connection, _ = listener.accept()
        connection.close()  # the side that closes first keeps the port in TIME_WAIT
    with pytest.raises(LaunchError, match="is in use"):
        check_ports({"PORT": address[1]})
    listener.close()
    check_ports({"PORT": address[1]})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("MCP_PORT", "-1"),
        ("FLEET", "0"),
        ("FLEET", "51"),
        ("FLEET", "1.5"),
        ("FLEET", "٣"),
        ("GRAPH", "/no/such/graph.json"),
    ],
)
def test_a_wrong_option_is_named_in_one_line(name: str, value: str) -> None:
    with pytest.raises(LaunchError) as refused:
        read_options({name: value})
    assert str(refused.value).startswith(f"{name}={value} is not a")
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 2


def test_options_left_out_or_empty_have_the_defaults_of_the_start_contract() -> None:
    options = read_options({"GRAPH": "", "PORT": ""})
    assert (options.home, options.port, options.mcp_port) == (Path("var"), 8000, 8001)
    assert (options.fleet, options.graph) == (None, None)


def test_the_environment_of_the_processes_names_the_services_and_keeps_what_was_given(tmp_path: Path) -> None:
    given = {"PATH": "/bin", "SECRET_KEY": "", "ALLOWED_HOSTS": "box.example", "DATABASE_URL": "elsewhere"}
    with open_state(tmp_path) as state:
        options = read_options({"PORT": "8123", "DAZBOX_HOME": str(tmp_path)})
        services = {"DATABASE_URL": "postgresql://x", "REDIS_URL": "unix://:p@/s?db=2"}
        environment = build_environment(options, state, given=given, services=services)
        assert environment["SECRET_KEY"] == state.secret("django")
    assert environment["PATH"] == "/bin"
    assert environment["ALLOWED_HOSTS"] == "box.example"
    assert environment["DATABASE_URL"] == "postgresql://x"
    assert environment["CELERY_BROKER_URL"] == "redis+socket://:p@/s?virtual_host=2"
    assert environment["PORT"] == "8123"
    assert mode_of(Path(environment["JWT_KEYS_DIR"])) == 0o700


def test_a_redis_over_the_network_is_the_same_for_celery() -> None:
    assert celery_url("rediss://:p@cache.example:6379/1") == "rediss://:p@cache.example:6379/1"
