"""A session of the database is kept between requests: asked nothing while it is quiet, replaced when it has ended."""

from typing import Any

from django.db import close_old_connections, connection

from tests.committed import committed_db, other_session

__all__ = ["committed_db"]
OWN = "SELECT pg_backend_pid()"


def ask(query: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def begin_request() -> None:
    """What Django does when a request comes in, and with its first question."""
    close_old_connections()
    connection.cursor().close()


def test_a_session_the_server_has_ended_is_replaced_before_the_next_question(committed_db: None) -> None:
    pid = ask(OWN)
    with other_session() as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]).fetchone() == (True,)
    begin_request()
    assert ask(OWN) != pid


def test_a_quiet_session_is_kept_and_asked_nothing(committed_db: None) -> None:
    pid = ask(OWN)
    begin_request()
    with other_session() as other:
        last = other.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone()
    assert last == (OWN,)
    assert ask(OWN) == pid
