"""Locks by name within the schema we are in. They end with the transaction, whatever ends it."""

from django.db import connection


def lock_name(name: str) -> None:
    """Waits for whoever has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || %s, 0))", [name])


def try_lock_name(name: str) -> bool:
    """False when somebody has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || %s, 0))", [name])
        [is_ours] = cursor.fetchone()
    return bool(is_ours)
