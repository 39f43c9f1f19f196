"""Starts the real PostgreSQL and Valkey before Django reads its settings (`-p tests.services` in pyproject.toml).

With DATABASE_URL and REDIS_URL set, those are used instead.
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("DAZBOX_TEST_HOME", ROOT / "var" / "test"))
SHARED = Path(os.environ.get("DAZBOX_SHARED", ROOT.parent / "shared"))


def start_services() -> None:
    if "DATABASE_URL" in os.environ and "REDIS_URL" in os.environ:
        return
    from mcp_saas.embedded.environment import celery_url
    from mcp_saas.embedded.fixture import start_for_tests

    database_url, redis_url, stop = start_for_tests(HOME)
    os.environ.update(DATABASE_URL=database_url, REDIS_URL=redis_url, CELERY_BROKER_URL=celery_url(redis_url))
    _stops.append(stop)


def pytest_unconfigure(config: pytest.Config) -> None:
    for stop in _stops:
        stop()


_stops: list = []
os.environ["JWT_KEYS_DIR"] = str(HOME / "jwt")
os.environ["RATE_LIMIT_SCALE"] = "1000"  # one address asks for all tests
os.environ["CYCLE_PERIOD_S"] = "3600"
os.environ["SPARE_SCHEMAS"] = "0"  # tests count schemas; those about spares fill the pool themselves
start_services()
