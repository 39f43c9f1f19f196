"""A question to the public tables, with no more around it than it needs.

A cursor does the same and more: Django's, psycopg's and the reading of rows cost as much as a kept answer may cost in
all. Outside a transaction it is prepared, once a session, which spares the server most of its work.
"""

import hashlib
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import OperationalError, errors
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, TransactionStatus

from tenants.context import PUBLIC
from tenants.database.base import choose_prefix

Row = tuple[bytes | None, ...]
_IS_THERE = b"42P05"  # one of that name, and so of the same words: a pooler has lent us a session that knows it
_is_prepared: WeakKeyDictionary[Any, dict[str, bool]] = WeakKeyDictionary()  # by session and question


def ask_public(question: str, *values: str) -> list[Row]:
    """The rows of one SELECT with `$1`, `$2` in it, as PostgreSQL writes them (text format).

    Values are names and ids of ours: none has a quote in it. Raises what a cursor raises.
    """
    database = connections[DEFAULT_DB_ALIAS]  # looked up once: `django.db.connection` is looked up each time
    database.close_if_health_check_failed()
    database.ensure_connection()
    database.validate_no_broken_transaction()
    if database.queries_logged:
        database.queries_log.append({"sql": _fill(question, values), "time": "0"})
    session = database.connection
    prefix, is_idle = choose_prefix(session, PUBLIC), session.pgconn.transaction_status == TransactionStatus.IDLE
    with database.wrap_database_errors, session.lock:
        if is_idle and session.autocommit:
            result = _ask_prepared(session, question, values=values) or _ask(session, _fill(question, values))
        else:
            begin = "BEGIN; " if is_idle else ""  # as psycopg does before the first query of a transaction
            result = _ask(session, begin + prefix + _fill(question, values))
    return _read_rows(result)


def _ask_prepared(session: Any, question: str, *, values: tuple[str, ...]) -> Any:
    """None where it failed: it is not tried again in this session, which may be another behind a pooler each time."""
    known, name = _is_prepared.setdefault(session, {}), _name(question)
    if question not in known:
        made = session.pgconn.prepare(name, question.encode())
        known[question] = made.error_field(DiagnosticField.SQLSTATE) in {None, _IS_THERE}
    if not known[question]:
        return None
    result = session.pgconn.exec_prepared(name, [value.encode() for value in values])
    known[question] = result.status == ExecStatus.TUPLES_OK
    return result if known[question] else None


def _ask(session: Any, message: str) -> Any:
    """What the last statement of it gave."""
    result = session.pgconn.exec_(message.encode())
    if result.status == ExecStatus.TUPLES_OK:
        return result
    if session.pgconn.status == ConnStatus.BAD:
        raise OperationalError(result.get_error_message(session.info.encoding))
    raise errors.error_from_result(result, encoding=session.info.encoding)


@cache
def _name(question: str) -> bytes:
    return b"dazbox_" + hashlib.sha256(question.encode()).hexdigest()[:16].encode()


def _fill(question: str, values: tuple[str, ...]) -> str:
    for number, value in enumerate(values, start=1):
        question = question.replace(f"${number}", f"'{value}'")
    return question


def _read_rows(result: Any) -> list[Row]:
    columns = range(result.nfields)
    return [tuple(result.get_value(row, column) for column in columns) for row in range(result.ntuples)]
