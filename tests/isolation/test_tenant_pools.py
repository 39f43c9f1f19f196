"""Many threads, few backends: the same walk over a pool, through PgBouncer in transaction mode, and in Celery tasks.

WALK_THREADS and WALK_READS make it longer; `make judge` lets two hundred threads walk.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection

from tenants.database import base
from tests.celery_worker import running_worker
from tests.committed import committed_database, other_session
from tests.faults.embedded_instance import eventually
from tests.isolation import walk_task
from tests.isolation.pgbouncer import PORT, find_program, running_pgbouncer
from tests.isolation.test_tenant_fuzz import RememberedPath, Unguarded
from tests.isolation.walk import Home, Walker, assert_all_at_home, let_walk, make_homes

ENVIRON = os.environ  # noqa: TID251 - how long to walk
THREADS = int(ENVIRON.get("WALK_THREADS", "40"))
READS = int(ENVIRON.get("WALK_READS", "15"))
TENANTS, BACKENDS, TASKS = 8, 6, THREADS
# What comes as options in the connection's start elsewhere: PgBouncer does not pass them on.
SESSION = ("search_path = public", "timezone = 'UTC'", "lock_timeout = '5s'", "statement_timeout = '30s'")


@pytest.fixture
def homes(django_db_setup: None, django_db_blocker: Any) -> Iterator[list[Home]]:
    with committed_database(django_db_blocker):
        yield make_homes(TENANTS)


@pytest.fixture
def pooled(homes: list[Home]) -> Iterator[None]:
    """Django's own pool, for every thread of this process."""
    connection.close()
    options = connection.settings_dict["OPTIONS"] | {"pool": {"min_size": 1, "max_size": BACKENDS, "timeout": 60}}
    with patched_settings(OPTIONS=options, CONN_MAX_AGE=0):
        yield
        connection.close()
        connection.close_pool()


@pytest.fixture
def bounced(homes: list[Home]) -> Iterator[None]:
    """Every connection of this process goes through PgBouncer, which hands out a few backends by the transaction."""
    program = find_program()
    if program is None:
        pytest.skip("pgbouncer is not installed; `make judge` fetches it")
    params = connection.get_connection_params()
    params = {name: params[name] for name in ("dbname", "user", "password", "host", "port") if params.get(name)}
    connection.close()
    with other_session() as session:
        for setting in SESSION:
            session.execute(f'ALTER ROLE CURRENT_USER IN DATABASE "{params["dbname"]}" SET {setting}')
        with (
            running_pgbouncer(program, params, backends=BACKENDS) as folder,
            patched_settings(HOST=str(folder), PORT=str(PORT)),
        ):
            yield
            connection.close()
        session.execute(f'ALTER ROLE CURRENT_USER IN DATABASE "{params["dbname"]}" RESET ALL')


@contextmanager
def patched_settings(**settings: object) -> Iterator[None]:
    """For the connections of every thread of this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setitem(connection.settings_dict, name, value)
        yield


def count_backends() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def test_over_a_pool_no_thread_reads_or_writes_a_foreign_row(homes: list[Home], pooled: None) -> None:
    others = count_backends() - 1  # sessions of tests before, still open in this process
    walkers = let_walk(homes, threads=THREADS, reads=READS, close_rate=1.0)
    # One that was replaced takes a moment to end.
    assert eventually(lambda: count_backends() <= BACKENDS + others, seconds=60)
    assert sum(walker.reads for walker in walkers) >= THREADS * READS
    assert_all_at_home(homes, walkers)


def test_behind_pgbouncer_no_thread_reads_or_writes_a_foreign_row(homes: list[Home], bounced: None) -> None:
    walkers = let_walk(homes, threads=THREADS, reads=READS)
    assert count_backends() <= BACKENDS + 1  # the test's own session is one
    assert sum(walker.reads for walker in walkers) >= THREADS * READS
    assert_all_at_home(homes, walkers)


def test_behind_pgbouncer_a_remembered_path_shows_foreign_rows_and_the_role_refuses_them(
    homes: list[Home], bounced: None
) -> None:
    """What the walk finds where a connection is believed to keep its path, as stock backends do."""
    assert any(walker.wrong for walker in walk_through(type("UnguardedDoor", (Unguarded, RememberedPath), {}), homes))
    walkers = walk_through(RememberedPath, homes)
    assert [walker.wrong for walker in walkers if walker.wrong] == []
    assert any("does not exist" in error for walker in walkers for error in walker.broken)


def walk_through(door: type[base.TenantCursor], homes: list[Home]) -> list[Walker]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "TenantCursor", door)
        return let_walk(homes, threads=THREADS, reads=READS)


def test_tasks_of_many_tenants_in_a_real_worker_read_and_write_no_foreign_row(
    homes: list[Home], tmp_path: Path
) -> None:
    described = walk_task.describe_homes(homes)
    with redis.Redis.from_url(settings.ENV.redis_url) as store:
        store.delete(walk_task.RESULTS)
        with running_worker(tmp_path, include="tests.isolation.walk_task") as worker:
            for number in range(TASKS):
                headers = {"tenant_id": str(homes[number % TENANTS].tenant.id)}
                worker.app.send_task(walk_task.NAME, args=[number, READS, described], headers=headers)
            assert eventually(lambda: store.llen(walk_task.RESULTS) == TASKS, seconds=100), worker.log
        seen = [json.loads(item) for item in store.lrange(walk_task.RESULTS, 0, -1)]
        store.delete(walk_task.RESULTS)
    walkers = [Walker(homes, Random(), 0, **one | {"kept": Counter(one["kept"])}) for one in seen]  # noqa: S311 - it walks no more
    assert sum(walker.reads for walker in walkers) >= TASKS * READS
    assert_all_at_home(homes, walkers)
