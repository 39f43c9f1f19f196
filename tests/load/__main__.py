"""`python -m tests.load [NAME ...]` (`make bench`): the benchmarks, printed and written to var/bench/NAME.json.

It starts a PostgreSQL and a Valkey of its own, as the tests do, but in a new folder: on some file systems making files
is ten times slower where many were deleted a minute ago. Every benchmark gets an empty database. With DATABASE_URL and
REDIS_URL set, those are used instead.
"""

import json
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import django

NAMES = (
    "provisioning",
    "roles",
    "fees",
    "cycles",
    "migration",
    "backup",
    "backends",
    "schedule",
    "fairness",
    "tokens",
    "encryption",
    "knowledge",
    "graph",
    "intelligence",
    "gateway",
    "gateway_life",
    "gateway_drill",
)
ROOT = Path(__file__).resolve().parents[2]
ENVIRON = os.environ  # noqa: TID251 - it is set up here, before the settings are read


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"No benchmark is called {', '.join(unknown)}: choose from {', '.join(NAMES)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="dazbox-bench-") as home:
        Path(home).chmod(0o711)  # started by root, PostgreSQL runs as another user, who must reach his part of it
        ENVIRON["DAZBOX_TEST_HOME"] = home
        ENVIRON.setdefault("DJANGO_SETTINGS_MODULE", "mcp_saas.settings.test")
        from tests import engines

        try:
            django.setup()
            for name in names or NAMES:
                run(name)
        finally:
            for stop in engines._stops:
                stop()
    return 0


def run(name: str) -> None:
    from tests.load.database import empty_database

    with empty_database():
        report = import_module(f"tests.load.{name}").measure()
    path = ROOT / "var" / "bench" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report.figures, indent=2) + "\n", encoding="utf-8")
    print(f"\n{report.title}\n{report.describe()}\n  -> {path.relative_to(ROOT)}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
