"""Questions in several places in one message: each sees its own, and nothing of it stays on the connection."""

import pytest
from django.db import DatabaseError, OperationalError, ProgrammingError, connection, transaction

from tenants.context import PUBLIC, Place, Rights, enter_tenant
from tenants.database.question import Question, ask_in_turn
from tenants.models.dazbox import Dazbox
from tests.committed import other_session
from tests.factories import Box, make_box

WHERE = "SELECT current_schema(), current_role"


def place_of(box: Box) -> Place:
    return Place(box.dazbox.schema_name, Rights.TENANT)


def ask_where(*places: Place) -> list[tuple[str, str]]:
    answers = ask_in_turn(*(Question(place, WHERE) for place in places))
    return [(schema.decode(), role.decode()) for [(schema, role)] in answers]  # type: ignore[union-attr]


@pytest.fixture
def box(committed_db: None) -> Box:
    return make_box("asked")


def test_each_question_is_answered_at_its_place(box: Box) -> None:
    own = (box.dazbox.schema_name, box.dazbox.schema_name)
    with connection.cursor() as cursor:
        cursor.execute(WHERE)
        outside = tuple(cursor.fetchone())

    assert ask_where(PUBLIC, place_of(box), PUBLIC, place_of(box)) == [outside, own, outside, own]
    assert ask_where(PUBLIC) == [outside]
    with transaction.atomic():
        assert ask_where(place_of(box)) == [own]
        assert ask_where(PUBLIC, place_of(box)) == [outside, own]
        with connection.cursor() as cursor:
            cursor.execute(WHERE)
            assert cursor.fetchone() == outside


def test_a_question_that_begins_a_transaction_is_in_it(box: Box) -> None:
    with transaction.atomic():
        ask_where(place_of(box))
        Dazbox.objects.filter(id=box.dazbox.id).update(alias="changed")
        transaction.set_rollback(True)
    box.dazbox.refresh_from_db()
    assert box.dazbox.alias != "changed"


def test_values_are_as_postgresql_writes_them(box: Box) -> None:
    [rows] = ask_in_turn(Question(PUBLIC, "SELECT 1, NULL, '\\x00ff'::bytea, 'é' UNION ALL SELECT 2, 'a', '', ''"))
    assert rows == [(b"1", None, b"\\x00ff", "é".encode()), (b"2", b"a", b"\\x", b"")]
    assert ask_in_turn(Question(PUBLIC, "SELECT 1 WHERE false")) == [[]]


def test_anothers_tables_are_refused_as_to_a_cursor(box: Box) -> None:
    other = make_box("another")
    foreign = f'TABLE "{other.dazbox.schema_name}".nodes_ownnode'
    questions = Question(PUBLIC, "SELECT 1"), Question(place_of(box), foreign)
    with pytest.raises(ProgrammingError, match="permission denied"):
        ask_in_turn(*questions)
    assert ask_where(place_of(box))


def test_a_session_that_was_ended_is_an_operational_error_and_then_replaced(box: Box) -> None:
    [[(pid,)]] = ask_in_turn(Question(PUBLIC, "SELECT pg_backend_pid()"))
    connection.health_check_done = True  # as in the midst of a request
    with other_session() as session:
        session.execute("SELECT pg_terminate_backend(%s, 5000)", [int(pid or 0)])
    with pytest.raises(OperationalError):
        ask_where(PUBLIC)
    assert not connection.is_in_order  # type: ignore[attr-defined]
    connection.close_if_unusable_or_obsolete()
    with enter_tenant(box.tenant):
        assert ask_where(place_of(box))


def test_a_transaction_that_failed_is_asked_nothing(box: Box) -> None:
    with transaction.atomic():
        with pytest.raises(DatabaseError):
            ask_where(Place("dz_nothere0", Rights.TENANT))
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            ask_where(PUBLIC)
