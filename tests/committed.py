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
from tenants.provisioning.schema import drop_schema
from tenants.provisioning.template import TEMPLATE_SCHEMA
from tests.factories import Box

T = TypeVar("T")
BOX_ROLES = """
SELECT rolname FROM pg_roles r WHERE starts_with(rolname, 'dz_') AND NOT EXISTS (
    SELECT FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid
    WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid AND d.datname <> current_database()
) ORDER BY rolname
"""
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


def list_box_roles() -> list[str]:
    """Every role of a box, with a schema or without. A server's databases share the roles: others' are left out."""
    with connection.cursor() as cursor:
        cursor.execute(BOX_ROLES)
        return [name for (name,) in cursor.fetchall()]


def lock_table(session: psycopg.Connection[Any], box: str, table: str, *, mode: str) -> None:
    """Until the end of the transaction the session is in. Only the owner may."""
    statement = sql.SQL("LOCK TABLE {} IN {} MODE").format(sql.Identifier(box, table), sql.SQL(mode))
    execute_as_owner(session, statement)


def execute_as_owner(session: psycopg.Connection[Any], statement: sql.Composable) -> None:
    """Inside a transaction: who logs in may touch no box."""
    session.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(settings.ENV.database_owner)))
    session.execute(statement)
    session.execute("SET LOCAL ROLE NONE")


@contextmanager
def new_database(name: str, *, template: str = "template1") -> Iterator[None]:
    """An empty database, or a copy of one nobody is connected to; dropped at the end with the roles of its boxes."""
    params = connection.get_connection_params() | {"cursor_factory": psycopg.ClientCursor}
    with psycopg.connect(**params, autocommit=True) as admin:
        admin.execute("SET statement_timeout = 0")  # the files of thousands of schemas take longer than any query may
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield
        finally:
            with psycopg.connect(**params | {"dbname": name}, autocommit=True) as inside:
                drop_boxes(inside)
            drop_database(admin, name)


def drop_database(admin: psycopg.Connection[Any], name: str) -> None:
    """Not WITH (FORCE), which is refused while autovacuum, nobody's process, works there. DROP alone ends it."""
    ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = session_user"
    admin.execute(ours, [name])
    admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def drop_boxes(session: psycopg.Connection[Any]) -> None:
    """Their schemas and roles: a role would outlive the database."""
    session.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(settings.ENV.database_owner)))
    schemas = session.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname ~ '^dz_[0-9a-f]{20}$' AND nspowner = current_role::regrole"
    ).fetchall()
    for (name,) in schemas:
        session.execute(sql.SQL("DROP SCHEMA {0} CASCADE; DROP ROLE IF EXISTS {0}").format(sql.Identifier(name)))


def run_together(jobs: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Each job in a thread and on a connection of its own, all let off at once. What it raised stands in its place."""
    start = threading.Barrier(len(jobs))

    def run(job: Callable[[], T]) -> T | Exception:
        start.wait(60)
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


def find_files(session: psycopg.Connection[Any]) -> tuple[Path, Path]:
    """Of this database, all written: its folder below the server's data folder, and that of the write-ahead log."""
    session.execute("SET ROLE pg_checkpoint")
    session.execute("CHECKPOINT")
    session.execute("SET ROLE pg_monitor")
    [folder, oid] = session.execute(  # type: ignore[misc]
        "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    return Path(folder, "base", str(oid)), Path(folder, "pg_wal")


@contextmanager
def locked(box: Box, table: str) -> Iterator[Any]:
    """Nobody else reads or writes this table of the box until the end of the block."""
    with other_session() as session, session.transaction():
        lock_table(session, box.dazbox.schema_name, table, mode="ACCESS EXCLUSIVE")
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
