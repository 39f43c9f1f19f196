"""One at a time, whatever the number of replicas: for what changes the template or every box."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

LOCK = 0x6461_7A62


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Waits for its turn. The lock has a connection of its own: migrate_schemas closes the one it uses."""
    holder = connection.copy()
    try:
        with holder.cursor() as cursor:
            cursor.execute("SET lock_timeout = 0; SET statement_timeout = 0")  # wait as long as the other one takes
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield
    finally:
        holder.close()
