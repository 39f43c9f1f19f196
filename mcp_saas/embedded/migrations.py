"""Which database schema a state folder was made with. A version alone does not tell before its release."""

import hashlib
from collections.abc import Mapping
from pathlib import Path


def read_migrations(project: Path) -> dict[str, str]:
    """SHA-256 of every migration of our apps, by its path, `nodes/migrations/0001_initial`."""
    packages = [init.parent for init in project.glob("*/__init__.py")]
    files = sorted(path for package in packages for path in package.rglob("migrations/[0-9]*.py"))
    return {
        path.relative_to(project).with_suffix("").as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def find_foreign_migration(made_with: Mapping[str, str], ours: Mapping[str, str]) -> str | None:
    """The first that is not ours, or not as it was then. Ours may be more: those are applied by `prepare`."""
    return next((name for name, digest in made_with.items() if ours.get(name) != digest), None)
