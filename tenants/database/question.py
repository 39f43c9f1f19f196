"""A question to the public tables, with no more around it than it needs.

A cursor does the same and more: Django's, psycopg's and the reading of rows cost as much as a kept answer may cost in
all.
"""

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import errors, generators
from psycopg.pq import ExecStatus, TransactionStatus

from tenants.context import PUBLIC
from tenants.database.base import choose_prefix

Row = tuple[bytes | None, ...]


def ask_public(query: str) -> list[Row]:
    """The rows of one SELECT, whose values are written in it: whoever writes it answers for them. They are as
    PostgreSQL writes them (text format). Raises what a cursor raises.
    """
    database = connections[DEFAULT_DB_ALIAS]  # looked up once: `django.db.connection` is looked up each time
    database.close_if_health_check_failed()
    database.ensure_connection()
    database.validate_no_broken_transaction()
    session = database.connection
    message = choose_prefix(session, PUBLIC) + query
    if not session.autocommit and session.pgconn.transaction_status == TransactionStatus.IDLE:
        message = "BEGIN; " + message  # as psycopg does before the first query of a transaction
    if database.queries_logged:
        database.queries_log.append({"sql": message, "time": "0"})
    with database.wrap_database_errors:
        return _read_rows(_send(session, message.encode()))


def _send(session: Any, message: bytes) -> Any:
    """What the last statement of it gave."""
    with session.lock:
        session.pgconn.send_query(message)
        *_, last = session.wait(generators.execute(session.pgconn))
    if last.status == ExecStatus.FATAL_ERROR:
        raise errors.error_from_result(last, encoding=session.info.encoding)
    return last


def _read_rows(result: Any) -> list[Row]:
    columns = range(result.nfields)
    return [tuple(result.get_value(row, column) for column in columns) for row in range(result.ntuples)]
