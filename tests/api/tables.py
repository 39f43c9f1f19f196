"""A tenant's tables as they are, to see whether anything changed."""

from django.db import connection
from psycopg import sql

from tenants.context import enter_tenant
from tests.factories import Box

Row = tuple[object, ...]


def read_work(box: Box) -> dict[str, list[Row]]:
    """As `read_tables`, without the answers kept for callers who ask again."""
    return {name: rows for name, rows in read_tables(box).items() if name != "api_storedanswer"}


def read_tables(box: Box) -> dict[str, list[Row]]:
    """Every row of every table of the box's schema."""
    with enter_tenant(box.tenant):
        names = [name for (name,) in run_query("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")]
        assert "nodes_snapshot" in names
        return {name: read_rows(name) for name in names}


def read_rows(table: str) -> list[Row]:
    rows = run_query(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
    return sorted(
        (tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in rows), key=repr
    )


def run_query(query: object) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()
