"""Questions in several places, in one message, and no more around them than they need.

Cursors do the same and more: Django's, psycopg's and the reading of rows cost as much as a kept answer may cost in all.
"""

from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import errors, generators
from psycopg.pq import ExecStatus, TransactionStatus

from tenants.context import Place
from tenants.database.base import choose_prefix, note_schema, write_prefix

Row = tuple[bytes | None, ...]


class Question(NamedTuple):
    """One SELECT, whose values are written in it: whoever writes it answers for them."""

    place: Place
    query: str


def ask_in_turn(*questions: Question) -> list[list[Row]]:
    """The rows of each, as PostgreSQL writes their values (text format). Raises what a cursor raises."""
    database = connections[DEFAULT_DB_ALIAS]  # looked up once: `django.db.connection` is looked up each time
    database.close_if_health_check_failed()
    database.ensure_connection()
    database.validate_no_broken_transaction()
    session = database.connection
    for question in questions:
        note_schema(session, question.place.schema_name)
    message = _write(session, questions)
    if database.queries_logged:
        database.queries_log.append({"sql": message.decode(), "time": "0"})
    with database.wrap_database_errors:
        results = _send(session, message)
    return [_read_rows(one) for one in results if one.status == ExecStatus.TUPLES_OK]


def _write(session: Any, questions: tuple[Question, ...]) -> bytes:
    first, *others = questions
    parts = [choose_prefix(session, first.place) + first.query]
    parts += [write_prefix(one.place) + one.query for one in others]
    if not session.autocommit and session.pgconn.transaction_status == TransactionStatus.IDLE:
        parts.insert(0, "BEGIN")  # as psycopg does before the first query of a transaction
    return "; ".join(parts).encode()


def _send(session: Any, message: bytes) -> list[Any]:
    with session.lock:
        session.pgconn.send_query(message)
        results: list[Any] = session.wait(generators.execute(session.pgconn))
    if results[-1].status == ExecStatus.FATAL_ERROR:
        raise errors.error_from_result(results[-1], encoding=session.info.encoding)
    return results


def _read_rows(result: Any) -> list[Row]:
    columns = range(result.nfields)
    return [tuple(result.get_value(row, column) for column in columns) for row in range(result.ntuples)]
