"""A database without a transaction around the test, for tests whose rows several connections or processes see."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections
from psycopg import sql

from mcp_saas.api.models import StoredAnswer
from tenants.models.challenge import Challenge, RedeemFailure
from tenants.models.claim import Claim
from tenants.models.dazbox import Dazbox
from tenants.models.owner import Owner
from tenants.models.refresh_token import RefreshToken, SpentAssertion
from tenants.models.spare import SpareSchema
from tenants.provisioning.template import TEMPLATE_SCHEMA

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent
KEPT_MODELS = (
    StoredAnswer, SpareSchema, RefreshToken, SpentAssertion, Claim, Dazbox, Owner, Challenge, RedeemFailure,
)  # fmt: skip


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """What the test commits is removed after it: boxes with their schemas, claims, tokens."""
    with committed_database(django_db_blocker):
        yield


@contextmanager
def committed_database(blocker: Any) -> Iterator[None]:
    with blocker.unblock():
        rows = {model: set(model.objects.values_list("pk", flat=True)) for model in KEPT_MODELS}
        schemas = set(list_box_schemas())
        try:
            yield
        finally:
            for schema in set(list_box_schemas()) - schemas:
                drop_schema(schema)
            for model, present in rows.items():
                model.objects.exclude(pk__in=present).delete()
            connection.close()


def list_box_schemas() -> list[str]:
    """Every schema of a box, with a row or without; the template is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, 'dz_') ORDER BY nspname")
        return [name for (name,) in cursor.fetchall() if name != TEMPLATE_SCHEMA]


def drop_schema(schema_name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema_name)))


def run_together(jobs: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Each job in a thread and on a connection of its own, all let off at once. What it raised stands in its place."""
    start = threading.Barrier(len(jobs))

    def run(job: Callable[[], T]) -> T | Exception:
        start.wait(10)
        try:
            return job()
        except Exception as error:  # noqa: BLE001 - handed to the test
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


@contextmanager
def other_session() -> Iterator[psycopg.Connection[Any]]:
    """A plain connection to the same database, in autocommit, which knows nothing of tenants."""
    params = connection.get_connection_params() | {"cursor_factory": psycopg.ClientCursor}
    with psycopg.connect(**params, autocommit=True) as session:
        yield session


def find_blocked(session: psycopg.Connection[Any]) -> list[int]:
    """Backends of this database that wait for a lock."""
    session.execute("SELECT pg_stat_clear_snapshot()")  # inside a transaction the view would stand still
    rows = session.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return [pid for (pid,) in rows]


def child_environment(*, database: str | None = None, **variables: str) -> dict[str, str]:
    """For a process that works on the database of this test run, or on another of the same server."""
    url = database_url(database or connection.settings_dict["NAME"])
    inherited = dict(os.environ)  # noqa: TID251 - it is handed on, not read
    return inherited | {"DATABASE_URL": url, "PYTHONPATH": str(ROOT)} | variables


def database_url(name: str) -> str:
    """Of another database on the same server."""
    return urlsplit(settings.ENV.database_url)._replace(path=f"/{name}").geturl()
