"""A question to the public tables is asked there, wherever we are, and nothing of it stays on the connection."""

import os
import socket

import pytest
from django.db import DatabaseError, OperationalError, ProgrammingError, connection, transaction

from nodes.models.node import OwnNode
from tenants.context import enter_tenant
from tenants.database.question import ask_public
from tenants.models.dazbox import Dazbox
from tests.committed import other_session
from tests.factories import Box, make_box

WHERE = "SELECT current_schema(), current_role"


def ask_cursor() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(WHERE)
        schema, role = cursor.fetchone()
    return schema, role


def ask_where() -> tuple[str, str]:
    [(schema, role)] = ask_public(WHERE)
    return (schema or b"").decode(), (role or b"").decode()


@pytest.fixture
def box(committed_db: None) -> Box:
    return make_box("asked")


def test_it_is_asked_in_the_public_place_behind_a_door_too(box: Box) -> None:
    own, outside = (box.dazbox.schema_name, box.dazbox.schema_name), ask_cursor()

    with enter_tenant(box.tenant):
        assert [ask_where(), ask_cursor(), ask_where()] == [outside, own, outside]
        with transaction.atomic():
            assert [ask_where(), ask_cursor(), ask_where()] == [outside, own, outside]
            assert not OwnNode.objects.exists()
    assert [ask_where(), ask_cursor()] == [outside, outside]


def test_a_question_that_begins_a_transaction_is_in_it(box: Box) -> None:
    with transaction.atomic():
        ask_where()
        Dazbox.objects.filter(id=box.dazbox.id).update(alias="changed")
        transaction.set_rollback(True)
    box.dazbox.refresh_from_db()
    assert box.dazbox.alias != "changed"


def test_values_are_as_postgresql_writes_them(box: Box) -> None:
    rows = ask_public("SELECT 1, NULL, '\\x00ff'::bytea, 'é' UNION ALL SELECT 2, 'a', '', ''")
    assert rows == [(b"1", None, b"\\x00ff", "é".encode()), (b"2", b"a", b"\\x", b"")]
    assert ask_public("SELECT 1 WHERE false") == []


def test_a_boxs_tables_are_refused_as_to_a_cursor(box: Box) -> None:
    with enter_tenant(box.tenant):
        with pytest.raises(ProgrammingError, match="permission denied"):
            ask_public(f'TABLE "{box.dazbox.schema_name}".nodes_ownnode')
        assert ask_where()


def test_values_stand_for_themselves_in_and_outside_of_a_transaction(box: Box) -> None:
    question, values = "SELECT id FROM tenants_dazbox WHERE id = $1 AND schema_name = $2", (
        str(box.dazbox.id), box.dazbox.schema_name,
    )  # fmt: skip
    for _ in range(3):
        assert ask_public(question, *values) == [(values[0].encode(),)]
        assert ask_public(question, values[0], "another") == []
        with transaction.atomic():
            assert ask_public(question, *values) == [(values[0].encode(),)]
            assert ask_public(question, values[0], "another") == []


def test_it_is_prepared_once_a_session_and_asked_all_the_same_where_that_is_forgotten(box: Box) -> None:
    """As by a pooler between us and the server."""
    question, known = "SELECT alias FROM tenants_dazbox WHERE id = $1", str(box.dazbox.id)
    for _ in range(2):
        assert ask_public(question, known) == [(box.dazbox.alias.encode(),)]
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement = %s", [question])
            assert cursor.fetchone() == (1,)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    for _ in range(2):
        assert ask_public(question, known) == [(box.dazbox.alias.encode(),)]


def test_a_server_that_went_without_a_word_is_an_operational_error(box: Box) -> None:
    assert ask_where()
    with socket.socket(fileno=os.dup(connection.connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
    connection.health_check_done = True
    with pytest.raises(OperationalError):
        ask_where()
    connection.close_if_unusable_or_obsolete()
    assert ask_where()


def test_a_session_that_was_ended_is_an_operational_error_and_then_replaced(box: Box) -> None:
    [(pid,)] = ask_public("SELECT pg_backend_pid()")
    connection.health_check_done = True  # as in the midst of a request
    with other_session() as session:
        session.execute("SELECT pg_terminate_backend(%s, 5000)", [int(pid or 0)])
    with pytest.raises(OperationalError):
        ask_where()
    assert not connection.is_in_order  # type: ignore[attr-defined]
    connection.close_if_unusable_or_obsolete()
    with enter_tenant(box.tenant):
        assert ask_where()


def test_a_transaction_that_failed_is_asked_nothing(box: Box) -> None:
    with transaction.atomic():
        with pytest.raises(DatabaseError):
            ask_public("SELECT nonsense")
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            ask_where()
