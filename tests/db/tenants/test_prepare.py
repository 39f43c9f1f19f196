"""`manage.py prepare` on an empty database: replicas that start at the same moment do not trip over each other."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from psycopg import sql

from tests.committed import ROOT, child_environment, new_database

NAME = f"test_prepare_{os.getpid()}"


@pytest.fixture
def empty_database(committed_db: None) -> Iterator[str]:
    with new_database(NAME):
        yield NAME


def count_rows(database: str, table: str) -> int:
    params = connection.get_connection_params() | {"dbname": database, "cursor_factory": psycopg.ClientCursor}
    with psycopg.connect(**params) as session:
        if not table.startswith("public."):
            session.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(settings.ENV.database_owner)))
        [(count,)] = session.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.SQL(table)))
    return int(count)


def test_two_replicas_prepare_one_database_at_once(empty_database: str, tmp_path: Path) -> None:
    environment = child_environment(database=empty_database, JWT_KEYS_DIR=str(tmp_path / "jwt"))
    replicas = [
        subprocess.Popen(
            [sys.executable, "manage.py", "prepare"],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    outputs = [replica.communicate(timeout=200)[0] for replica in replicas]
    assert [replica.returncode for replica in replicas] == [0, 0], outputs
    assert all("Ready: schema template" in output for output in outputs)
    assert count_rows(empty_database, "public.tenants_schematemplate") == 1
    assert count_rows(empty_database, "dz_template.nodes_ownnode") == 0
    assert len(list((tmp_path / "jwt").glob("*.pem"))) == 1
