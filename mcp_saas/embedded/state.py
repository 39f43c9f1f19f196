"""The state folder (`DAZBOX_HOME`): everything an embedded instance keeps, private to its user."""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_saas.embedded.disk import check_free_space
from mcp_saas.embedded.errors import CHOOSE_ANOTHER, InUseError, LaunchError
from mcp_saas.embedded.migrations import find_foreign_migration
from mcp_saas.kit.private_file import write_private_file
from mcp_saas.kit.version import VERSION

FORMAT = 2
# What may lie in a folder that is new to us: a start that broke off left the first two, the Makefile the rest in `var`.
EXPECTED = ("lock", ".state.json.*", "bench", "judge", "test", "test-*")
SOCKET_PATH_LIMIT = 103  # bytes: sun_path is 104 on macOS with its closing zero, 108 on Linux
LONGEST_SOCKET_NAME = ".s.PGSQL.5432"
PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class StateFolder:
    """An opened, locked state folder. `instance` is a random name made with the folder; it moves along with it."""

    home: Path
    instance: str

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def log(self) -> Path:
        return self.home / "log"

    @property
    def secrets(self) -> Path:
        return self.home / "secrets"

    @property
    def disks(self) -> list[Path]:
        """A folder on every disk that is written to."""
        record = self.home / "postgres.location"  # see place.py
        return [self.home, *([self.home / record.read_text().strip()] if record.exists() else [])]

    def has_secret(self, name: str) -> bool:
        return (self.secrets / name).exists()

    def secret(self, name: str) -> str:
        """The secret of this name: 64 hexadecimal digits, made at the first call, the same ever after."""
        path = self.secrets / name
        if not path.exists():
            write_private_file(path, secrets.token_hex(32))
        return path.read_text()

    def socket_folder(self) -> Path:
        """A private folder whose path is short enough for a Unix socket and safe in a connection URL."""
        return self.run if is_fit_for_sockets(self.run) else make_private_folder(short_socket_folder(self.home))


@contextlib.contextmanager
def open_state(home: Path, *, migrations: Mapping[str, str] | None = None) -> Iterator[StateFolder]:
    """1. make the folder  2. refuse another's  3. check the free space  4. lock it  5. check its version and, against
    `migrations` (None: the schema is somebody else's matter), its schema; the lock ends with the block.

    Raises LaunchError: in use, not ours, not writable, of another version or schema, no space left.
    """
    home = home.resolve()
    with contextlib.ExitStack() as opened:
        with explain_refusal(home):
            make_private_folder(home, keep_mode=True)
            refuse_strangers(home)
            check_free_space(home)
            opened.enter_context(hold_lock(home))
            state = StateFolder(home, read_instance(home, migrations))
            for folder in (state.run, state.log, state.secrets):
                make_private_folder(folder)
        opened.callback(remove_short_socket_folder, state)
        yield state


@contextlib.contextmanager
def explain_refusal(home: Path) -> Iterator[None]:
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        raise LaunchError(f"{error.filename} is a file, not a folder: {CHOOSE_ANOTHER}") from error
    except OSError as error:
        reason = f"{error.strerror}: {error.filename or home}"
        raise LaunchError(f"The state folder {home} cannot be used ({reason}): {CHOOSE_ANOTHER}") from error


def refuse_strangers(home: Path) -> None:
    """Raises LaunchError if it is somebody else's folder: not empty, and without our state.json."""
    if (home / "state.json").exists():
        return
    found = sorted(path.name for path in home.iterdir() if not any(path.match(name) for name in EXPECTED))
    if found:
        others = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise LaunchError(
            f"{home} holds {found[0]}{others} and no state.json, so it is no state folder of ours: {CHOOSE_ANOTHER}"
        )


@contextlib.contextmanager
def hold_lock(home: Path) -> Iterator[None]:
    """The kernel frees the lock when the process ends, however it ends; children do not inherit it."""
    descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            raise InUseError(
                f"An instance already runs on {home} (process {holder}): stop it with Ctrl-C there, "
                "or run beside it with `make run DAZBOX_HOME=var2 PORT=8010`"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def read_instance(home: Path, migrations: Mapping[str, str] | None) -> str:
    """The name of this instance; writes state.json for a new folder, and our version and migrations into an older one.

    Raises LaunchError when the folder has another format, a newer version, another schema, or belongs to another user.
    """
    path = home / "state.json"
    if not path.exists():
        found: dict[str, Any] = {"format": FORMAT, "version": VERSION, "instance": secrets.token_hex(8)}
        write_private_file(path, json.dumps(found))
    if path.stat().st_uid != os.geteuid():
        raise LaunchError(f"{home} belongs to another user (id {path.stat().st_uid}): {CHOOSE_ANOTHER}")
    try:
        found = json.loads(path.read_text())
        is_known = found["format"] == FORMAT and version_order(found["version"]) <= version_order(VERSION)
        instance, made_with = str(found["instance"]), read_made_with(found, home)
    except (ValueError, KeyError, TypeError, AttributeError):
        is_known = False
    if not is_known:
        raise LaunchError(f"{home} is not of this version ({VERSION}): move it away, or {CHOOSE_ANOTHER}")
    if migrations is not None and (foreign := find_foreign_migration(made_with, migrations)):
        raise LaunchError(
            f"The database of {home} was made by other code ({foreign} is not as it was): move {home} away to start "
            f"afresh, or {CHOOSE_ANOTHER}"
        )
    now = found | {"version": VERSION} | ({"migrations": migrations} if migrations else {})
    if now != found:
        write_private_file(path, json.dumps(now))
    return instance


def read_made_with(found: dict[str, Any], home: Path) -> dict[str, str]:
    """The migrations of the launches before; none before the first. Those before this was written down are unknown."""
    was_launched = (home / "secrets" / "django").exists()
    return dict(found.get("migrations", {"its schema": ""} if was_launched else {}))


def make_private_folder(path: Path, *, keep_mode: bool = False) -> Path:
    """Makes the folder for our user alone. An existing one must be ours; it is closed for others unless `keep_mode`."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not keep_mode and (stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid()):
        raise LaunchError(f"{path} belongs to another user: remove it, or {CHOOSE_ANOTHER}")
    if not keep_mode and found.st_mode & 0o077:
        path.chmod(0o700)
    return path


def short_socket_folder(home: Path) -> Path:
    """In the temp folder, of this user and this state folder alone. Raises LaunchError if even that is too long."""
    name = f"dazbox-{os.geteuid()}-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"
    candidates = [Path(parent) / name for parent in (tempfile.gettempdir(), "/tmp")]  # noqa: S108 (made private)
    fit = [folder for folder in candidates if is_fit_for_sockets(folder)]
    if not fit:
        raise LaunchError(f"No folder for sockets: the path {candidates[0]} is too long: set TMPDIR to a short one")
    return fit[0]


def remove_short_socket_folder(state: StateFolder) -> None:
    if not is_fit_for_sockets(state.run):
        shutil.rmtree(short_socket_folder(state.home), ignore_errors=True)


def is_fit_for_sockets(folder: Path) -> bool:
    """Short enough, and without a comma: libpq would read two hosts."""
    path = os.fsencode(folder / LONGEST_SOCKET_NAME)
    return len(path) <= SOCKET_PATH_LIMIT and b"," not in path


def version_order(version: str) -> tuple[int, ...]:
    """Orders plain versions (`0.10.0` after `0.9.1`). Raises ValueError for anything else."""
    return tuple(int(part) for part in version.split("."))
