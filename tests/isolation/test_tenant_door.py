"""The one door: behind it a tenant's rows and no others, whatever happens inside, and nothing stays behind after it."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.db import (
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
    close_old_connections,
    connection,
    transaction,
)
from django.utils import timezone
from psycopg import InterfaceError as DriverInterfaceError
from psycopg import NotSupportedError as DriverNotSupportedError
from psycopg import sql
from psycopg.pq import TransactionStatus

from nodes.models.journal import JournalDetail, JournalEntry
from nodes.models.node import OwnNode
from tenants.context import (
    NoTenantError,
    SchemaNameError,
    TenantRef,
    current_schema,
    current_tenant,
    enter_tenant,
    leave_tenant,
    use_schema,
)
from tenants.models.dazbox import Dazbox
from tenants.models.template import SchemaTemplate
from tenants.provisioning.schema import build_schema
from tests.committed import committed_database, list_box_schemas, run_together
from tests.factories import Box, make_box

INJECTIONS = [
    'x"; drop schema public cascade;--',
    'dz_aaaaaaaa"; drop schema public cascade;--',
    "pg_catalog",
    "information_schema",
    "dz_aaaaaaaa, public",
    "dz_" + "a" * 61,
    "dz_" + "a" * 41,
    "dz_aaaaaaa",
    "DZ_AAAAAAAA",
    "dz_aaaaaaaa\n",
    "dz_aaaaaaaa\x00",
    "dz_äöüäöüäöü",
    "dz_٣٣٣٣٣٣٣٣",
    "../dz_aaaaaaaa",
    "dz_../../../etc",
    "%s%s%s%s%s%s",
    "",
]


@pytest.fixture(scope="module")
def pair(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Box, Box]]:
    """Two committed boxes; the marker of each is its name."""
    with committed_database(django_db_blocker):
        boxes = make_box("north"), make_box("south")
        for box in boxes:
            with enter_tenant(box.tenant):
                OwnNode.objects.create(forward_cursor=box.name)
        yield boxes


@pytest.fixture(autouse=True)
def fresh_connection(pair: tuple[Box, Box]) -> Iterator[None]:
    yield
    connection.close()


def read_marker() -> str:
    return OwnNode.objects.get().forward_cursor


def real_path() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        return str(cursor.fetchone()[0])


def test_each_block_shows_its_own_rows_and_the_one_around_it_comes_back(pair: tuple[Box, Box]) -> None:
    north, south = pair
    with enter_tenant(north.tenant):
        assert read_marker() == "north"
        with enter_tenant(south.tenant):
            assert (read_marker(), current_tenant()) == ("south", south.tenant)
        assert (read_marker(), current_tenant()) == ("north", north.tenant)
        with suppress(ZeroDivisionError), enter_tenant(south.tenant):
            assert read_marker() == "south"
            raise ZeroDivisionError
        assert (read_marker(), current_tenant()) == ("north", north.tenant)
    assert current_schema() == "public"


def test_one_transaction_may_visit_two_tenants_and_its_rollback_reaches_both(pair: tuple[Box, Box]) -> None:
    north, south = pair
    with suppress(ZeroDivisionError), transaction.atomic():
        with enter_tenant(north.tenant):
            OwnNode.objects.update(forward_cursor="spoilt")
        with enter_tenant(south.tenant):
            assert read_marker() == "south"
            OwnNode.objects.update(forward_cursor="spoilt")
        raise ZeroDivisionError
    for box in pair:
        with enter_tenant(box.tenant):
            assert read_marker() == box.name


def test_public_tables_are_out_of_sight_inside_a_tenant(pair: tuple[Box, Box]) -> None:
    with enter_tenant(pair[0].tenant):
        for table in ("tenants_dazbox", "tenants_claim", "auth_user", "graph_graphnode"):
            with (
                pytest.raises(ProgrammingError, match=f'relation "{table}" does not exist'),
                connection.cursor() as cursor,
            ):
                cursor.execute(f"TABLE {table}")
        with pytest.raises(ProgrammingError, match="does not exist"):
            Dazbox.objects.count()


def test_tenant_tables_are_out_of_sight_in_public(pair: tuple[Box, Box]) -> None:
    with pytest.raises(ProgrammingError, match='relation "nodes_ownnode" does not exist'):
        read_marker()


def test_leaving_for_a_look_at_public_comes_back_to_the_tenant(pair: tuple[Box, Box]) -> None:
    with enter_tenant(pair[0].tenant), transaction.atomic():
        with leave_tenant():
            assert Dazbox.objects.filter(id=pair[0].dazbox.id).exists()
            with pytest.raises(NoTenantError, match="enter_tenant"):
                current_tenant()
        assert read_marker() == "north"


def test_without_a_tenant_there_is_no_current_one() -> None:
    with pytest.raises(NoTenantError):
        current_tenant()
    with use_schema("dz_template"), pytest.raises(NoTenantError):
        current_tenant()


def test_a_new_thread_starts_in_public_and_fails_closed(pair: tuple[Box, Box]) -> None:
    with enter_tenant(pair[0].tenant):
        assert read_marker() == "north"
        schema, marker, boxes = run_together([current_schema, read_marker, Dazbox.objects.count])
    assert schema == "public"
    assert isinstance(marker, ProgrammingError)
    assert boxes == 2


def test_nothing_of_a_tenant_stays_on_the_connection(pair: tuple[Box, Box]) -> None:
    with enter_tenant(pair[0].tenant):
        read_marker()
        with transaction.atomic():
            assert real_path() == f"{pair[0].dazbox.schema_name}, pg_temp"
        with suppress(ProgrammingError), connection.cursor() as cursor:
            cursor.execute("SELECT nonsense")
    assert connection.connection.pgconn.parameter_status(b"search_path") == b"public"
    assert real_path() == "public"


@pytest.mark.parametrize("after", ["select", "rollback", "savepoint rollback", "failed savepoint", "error"])
def test_the_next_tenant_on_a_connection_sees_its_own_rows_after(pair: tuple[Box, Box], after: str) -> None:
    north, south = pair
    with suppress(ZeroDivisionError, ProgrammingError), enter_tenant(north.tenant):
        END_A_BLOCK[after]()
    with enter_tenant(south.tenant):
        assert read_marker() == "south"
        with transaction.atomic():
            assert read_marker() == "south"


def raise_in_transaction() -> None:
    with transaction.atomic():
        read_marker()
        raise ZeroDivisionError


def roll_back_savepoint() -> None:
    with transaction.atomic():
        with suppress(ZeroDivisionError), transaction.atomic():
            OwnNode.objects.update(forward_cursor="spoilt")
            raise ZeroDivisionError
        assert read_marker() == "north"


def fail_in_savepoint() -> None:
    with transaction.atomic():
        with suppress(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT nonsense")
        assert read_marker() == "north"


def fail_in_transaction() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT nonsense")


END_A_BLOCK: dict[str, Callable[[], Any]] = {
    "select": read_marker,
    "rollback": raise_in_transaction,
    "savepoint rollback": roll_back_savepoint,
    "failed savepoint": fail_in_savepoint,
    "error": fail_in_transaction,
}


@pytest.mark.parametrize(
    "setting", ["SET search_path = {schema}", "SELECT set_config('search_path', '{schema}', false)"]
)
@pytest.mark.parametrize("is_atomic", [False, True])
def test_a_path_left_on_the_connection_is_refused_and_the_connection_closed(
    pair: tuple[Box, Box], setting: str, is_atomic: bool
) -> None:
    north, south = pair
    with enter_tenant(north.tenant), connection.cursor() as cursor:
        if is_atomic:
            with transaction.atomic():
                cursor.execute(setting.format(schema=north.dazbox.schema_name))
        else:
            cursor.execute(setting.format(schema=north.dazbox.schema_name))
    left_on = connection.connection
    with enter_tenant(south.tenant), pytest.raises(InterfaceError, match="search_path was left"):
        read_marker()
    assert left_on.closed
    close_old_connections()  # what Django and Celery do between two pieces of work
    with enter_tenant(south.tenant):
        assert read_marker() == "south"


def test_a_leftover_found_by_the_health_check_costs_a_reconnection_only(pair: tuple[Box, Box]) -> None:
    north, south = pair
    with enter_tenant(north.tenant), connection.cursor() as cursor:
        cursor.execute(f"SET search_path = {north.dazbox.schema_name}")
    left_on = connection.connection
    close_old_connections()
    with enter_tenant(south.tenant):
        assert read_marker() == "south"
    assert left_on.closed


@pytest.mark.parametrize("name", INJECTIONS)
def test_a_schema_name_we_never_gave_out_reaches_no_sql(pair: tuple[Box, Box], name: str) -> None:
    schemas = list_box_schemas()
    tenant = TenantRef(pair[0].dazbox.id, name, pair[0].pubkey)
    with pytest.raises(SchemaNameError), enter_tenant(tenant):
        pass
    with pytest.raises(SchemaNameError), use_schema(name):
        pass
    with pytest.raises(SchemaNameError):
        connection.set_schema(name)  # noqa: TID251 - the way of django-tenants' own commands
    with pytest.raises(SchemaNameError):
        build_schema(name, SchemaTemplate.objects.latest())
    assert (current_schema(), list_box_schemas()) == ("public", schemas)


@pytest.mark.parametrize("name", [name for name in [*INJECTIONS, "public"] if "\x00" not in name and len(name) <= 63])
def test_no_row_can_hold_a_schema_name_we_never_gave_out(pair: tuple[Box, Box], name: str) -> None:
    with pytest.raises(IntegrityError, match="dazbox_schema_name_ours"), transaction.atomic():
        Dazbox.objects.filter(id=pair[0].dazbox.id).update(schema_name=name)


def test_public_is_no_tenant(pair: tuple[Box, Box]) -> None:
    with pytest.raises(SchemaNameError), enter_tenant(TenantRef(pair[0].dazbox.id, "public", pair[0].pubkey)):
        pass


def test_copy_inside_a_transaction_stays_in_the_tenant(pair: tuple[Box, Box]) -> None:
    north, south = pair
    for box in (north, south):
        with enter_tenant(box.tenant), transaction.atomic(), connection.cursor() as cursor:
            with cursor.copy("COPY nodes_ownnode (forward_cursor) TO STDOUT") as copy:
                assert b"".join(copy).decode() == f"{box.name}\n"
            with cursor.copy("COPY nodes_channel (digest, first_seen_at, last_seq, state, changes) FROM STDIN") as copy:
                copy.write_row(("1x1x1", "2026-11-01", 1, b"\x01\xc0", b"\x01\x90"))
            assert read_marker() == box.name
            cursor.execute("SELECT count(*) FROM nodes_channel")
            assert cursor.fetchone() == (1,)
            cursor.execute("DELETE FROM nodes_channel")


def test_copy_outside_a_transaction_is_refused_with_what_to_do(pair: tuple[Box, Box]) -> None:
    with enter_tenant(pair[0].tenant), connection.cursor() as cursor:
        with pytest.raises(DriverInterfaceError, match=r"needs transaction.atomic\(\) around it"):
            cursor.copy("COPY nodes_ownnode TO STDOUT")
        assert read_marker() == "north"
    with connection.cursor() as cursor, cursor.copy("COPY (SELECT 1) TO STDOUT") as copy:  # in public there is no need
        assert b"".join(copy) == b"1\n"


def test_what_would_outlive_its_message_is_refused(pair: tuple[Box, Box]) -> None:
    with enter_tenant(pair[0].tenant), transaction.atomic():
        with connection.cursor() as cursor, pytest.raises(DriverNotSupportedError, match="execute"):
            cursor.stream("SELECT forward_cursor FROM nodes_ownnode")
        with pytest.raises(NotSupportedError, match="DISABLE_SERVER_SIDE_CURSORS"):
            connection.chunked_cursor()
        assert read_marker() == "north"


def test_rows_of_an_iterator_and_of_many_statements_are_the_tenants_own(pair: tuple[Box, Box]) -> None:
    for box in pair:
        with enter_tenant(box.tenant), suppress(ZeroDivisionError), transaction.atomic():
            with connection.cursor() as cursor:
                insert = "INSERT INTO nodes_journalentry (at, kind, detail) VALUES (now(), %s, %s)"
                cursor.executemany(insert, [(f"{box.name} {number}", b"\x01\xc0") for number in range(5)])
            written = JournalEntry.objects.exclude(kind="lifecycle").order_by("id")
            kinds = written.values_list("kind", flat=True).iterator(chunk_size=2)
            assert list(kinds) == [f"{box.name} {number}" for number in range(5)]
            raise ZeroDivisionError
    with enter_tenant(pair[0].tenant):
        assert not JournalEntry.objects.exclude(kind="lifecycle").exists()


def test_a_cursor_answers_for_the_query_and_not_for_the_path_before_it(pair: tuple[Box, Box]) -> None:
    with enter_tenant(pair[0].tenant), suppress(ZeroDivisionError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE nodes_ownnode SET mode = 'shadow'")
        assert (cursor.rowcount, cursor.description) == (1, None)
        cursor.execute("SELECT forward_cursor AS marker, '100 %%' FROM nodes_ownnode WHERE id = %s", [1])
        assert (cursor.description[0].name, cursor.fetchone()) == ("marker", ("north", "100 %"))
        for query in (
            b"SELECT forward_cursor FROM nodes_ownnode",
            sql.SQL("SELECT {} FROM nodes_ownnode").format(sql.Identifier("forward_cursor")),
        ):
            cursor.execute(query)
            assert cursor.fetchall() == [("north",)]
        raise ZeroDivisionError


def test_a_cursor_taken_past_django_is_behind_the_door_too(pair: tuple[Box, Box]) -> None:
    connection.ensure_connection()
    for box in pair:
        with enter_tenant(box.tenant), connection.connection.cursor() as cursor:
            assert cursor.execute("SELECT forward_cursor FROM nodes_ownnode").fetchone() == (box.name,)
            assert connection.connection.execute("SELECT forward_cursor FROM nodes_ownnode").fetchone() == (box.name,)
    assert connection.connection.info.transaction_status is TransactionStatus.IDLE


def test_an_entry_written_before_an_error_is_gone_and_the_tenant_goes_on(pair: tuple[Box, Box]) -> None:
    with enter_tenant(pair[0].tenant):
        with suppress(IntegrityError), transaction.atomic():
            JournalEntry.objects.create(at=timezone.now(), kind="lost", detail=JournalDetail("lost", {}))
            OwnNode.objects.create(id=2)
        assert not JournalEntry.objects.exclude(kind="lifecycle").exists()
        assert read_marker() == "north"
