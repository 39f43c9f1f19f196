"""The database itself refuses a slip: whatever a query names, a box's role has rights in its own schema alone."""

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, ProgrammingError, connection, transaction
from django.utils import timezone
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from nodes.models.node import OwnNode
from tenants.context import enter_tenant, use_schema
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.models.revision import Revision
from tenants.provisioning.purge import purge_dazbox
from tenants.selectors import refer_to
from tests.committed import committed_database, list_box_roles, list_box_schemas
from tests.factories import Box, make_box

# One row for every table of the boxes and the template, and every role that may do anything with it or its schema.
GRANTS = """
SELECT n.nspname, c.relname, array_agg(r.rolname::text ORDER BY r.rolname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN pg_roles r
WHERE starts_with(n.nspname, 'dz_') AND c.relkind = 'r' AND NOT r.rolsuper AND NOT starts_with(r.rolname, 'pg_')
  AND (has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
       OR has_schema_privilege(r.oid, n.oid, 'USAGE, CREATE'))
GROUP BY 1, 2
"""
FOREIGN = [
    "SELECT * FROM {south}.nodes_ownnode",
    "SELECT (SELECT max(forward_cursor) FROM {south}.nodes_ownnode) FROM nodes_ownnode",
    "UPDATE {south}.nodes_ownnode SET forward_cursor = 'spoilt'",
    "INSERT INTO {south}.nodes_ownnode SELECT * FROM nodes_ownnode",
    "DELETE FROM {south}.nodes_journalentry",
    "TRUNCATE {south}.nodes_ownnode",
    "DROP SCHEMA {south} CASCADE",
    "SET LOCAL search_path = {south}; TABLE nodes_ownnode",
    "SET LOCAL search_path = {south}, public; UPDATE nodes_ownnode SET forward_cursor = 'spoilt'",
    "SELECT set_config('search_path', {south_text}, true); TABLE nodes_ownnode",
    "SELECT query_to_xml('TABLE {south}.nodes_ownnode', true, true, '')",
]
OWN_TABLES = [
    "ALTER TABLE nodes_ownnode DROP COLUMN mode",
    "DROP TABLE nodes_ownnode",
    "TRUNCATE nodes_journalentry",
    "CREATE TABLE another (id int)",
    "CREATE TABLE public.another (id int)",
    "CREATE ROLE dz_another",
    "CREATE TEMPORARY TABLE nodes_ownnode (id int)",
]
REFUSED = r"permission denied|does not exist|must be owner"


# What draws a mark of a change, called or put on a table in a box's own name.
MARKS = [
    "TABLE public.tenants_revision",
    "UPDATE public.tenants_revision SET mark = gen_random_uuid()",
    "INSERT INTO public.tenants_revision VALUES ({south_text}, 'nodes_ownnode', gen_random_uuid())",
    "DELETE FROM public.tenants_revision",
    "SELECT public.tenants_draw_mark()",
    "CREATE TRIGGER another AFTER UPDATE ON nodes_channel FOR EACH ROW EXECUTE FUNCTION public.tenants_draw_mark()",
    "ALTER TABLE nodes_ownnode DISABLE TRIGGER ALL",
    "DROP TRIGGER nodes_ownnode_mark ON nodes_ownnode",
    "CREATE OR REPLACE FUNCTION public.tenants_draw_mark() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    "SET LOCAL session_replication_role = replica",
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
def south_is_unharmed(pair: tuple[Box, Box]) -> Iterator[None]:
    yield
    connection.close()
    with enter_tenant(pair[1].tenant):
        assert list(OwnNode.objects.values_list("forward_cursor", flat=True)) == ["south"]


def run(query: str, box: Box) -> list[tuple[Any, ...]]:
    """The query with a box's schema in it."""
    schema = box.dazbox.schema_name
    with connection.cursor() as cursor:
        cursor.execute(query.format(south=sql.quote(schema).replace("'", '"'), south_text=sql.quote(schema)))
        return list(cursor.fetchall())


@pytest.mark.parametrize("query", FOREIGN)
@pytest.mark.parametrize("is_atomic", [False, True])
def test_a_query_in_the_wrong_schema_reads_and_writes_nothing(
    pair: tuple[Box, Box], query: str, is_atomic: bool
) -> None:
    north, south = pair
    block = transaction.atomic() if is_atomic else nullcontext()
    with enter_tenant(north.tenant), pytest.raises(ProgrammingError, match=REFUSED), block:
        run(query, south)


@pytest.mark.parametrize("query", FOREIGN)
def test_outside_a_tenant_no_box_can_be_read(pair: tuple[Box, Box], query: str) -> None:
    with pytest.raises(ProgrammingError, match=REFUSED):
        run(query, pair[1])


@pytest.mark.parametrize("query", OWN_TABLES)
def test_inside_a_tenant_rows_can_be_changed_and_tables_cannot(pair: tuple[Box, Box], query: str) -> None:
    with enter_tenant(pair[0].tenant), pytest.raises(ProgrammingError, match=REFUSED):
        run(query, pair[0])


@pytest.mark.parametrize("query", MARKS)
def test_no_mark_of_a_change_is_read_forged_or_withheld(pair: tuple[Box, Box], query: str) -> None:
    north, south = pair
    with enter_tenant(north.tenant), pytest.raises(ProgrammingError, match=REFUSED):
        run(query, south)


def test_a_change_draws_a_mark_of_its_own_box_and_nobody_may_execute_what_does(pair: tuple[Box, Box]) -> None:
    north, south = pair
    before = [list_marks(box) for box in pair]
    with enter_tenant(north.tenant):
        run("UPDATE nodes_ownnode SET forward_cursor = 'north' RETURNING id", north)
    assert [list_marks(box) == marks for box, marks in zip(pair, before, strict=True)] == [False, True]
    [(roles,)] = run(
        """SELECT array_agg(rolname::text) FROM pg_roles
           WHERE has_function_privilege(oid, 'tenants_draw_mark()', 'EXECUTE') AND NOT rolsuper
             AND rolname <> session_user""",
        south,
    )
    assert roles == [settings.ENV.database_owner]


def list_marks(box: Box) -> list[Any]:
    return list(Revision.objects.filter(schema_name=box.dazbox.schema_name).values_list("table_name", "mark"))


def test_a_copy_of_another_boxs_table_is_refused(pair: tuple[Box, Box]) -> None:
    query = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(pair[1].dazbox.schema_name, "nodes_ownnode"))
    with enter_tenant(pair[0].tenant), transaction.atomic(), connection.cursor() as cursor:
        with pytest.raises(InsufficientPrivilege, match="permission denied"), cursor.copy(query) as copy:
            copy.read()
        transaction.set_rollback(True)


def test_no_public_table_can_be_read_inside_a_tenant(pair: tuple[Box, Box]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
    assert {"tenants_dazbox", "auth_user", "graph_graphnode"} < set(tables)
    with enter_tenant(pair[0].tenant):
        for table in tables:
            with pytest.raises(ProgrammingError, match=f"permission denied for table {table}"):
                run(f'TABLE public."{table}"', pair[0])


def test_each_table_of_a_box_is_its_own_roles_and_the_owners_alone(pair: tuple[Box, Box]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(GRANTS)
        grants = {(schema, table): roles for schema, table, roles in cursor.fetchall()}
    owner = settings.ENV.database_owner
    assert {schema for schema, _ in grants} == {"dz_template", *(box.dazbox.schema_name for box in pair)}
    for (schema, table), roles in grants.items():
        assert roles == ([owner] if schema == "dz_template" else sorted([owner, schema])), table


def test_a_table_that_the_owner_adds_later_is_the_boxs_own_at_once(pair: tuple[Box, Box]) -> None:
    north, south = pair
    with use_schema(north.dazbox.schema_name), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE later (id int GENERATED BY DEFAULT AS IDENTITY, word text)")
    try:
        with enter_tenant(north.tenant):
            assert run("INSERT INTO later (word) VALUES ('new') RETURNING id, word", north) == [(1, "new")]
        with enter_tenant(south.tenant), pytest.raises(ProgrammingError, match="permission denied"):
            run("TABLE {south}.later", north)
    finally:
        with use_schema(north.dazbox.schema_name), connection.cursor() as cursor:
            cursor.execute("DROP TABLE later")


def test_a_boxs_role_cannot_log_in_and_lends_nothing_to_the_one_that_does(pair: tuple[Box, Box]) -> None:
    names = [box.dazbox.schema_name for box in pair]
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT bool_or(rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls),
                      bool_or(pg_has_role(session_user, oid, 'USAGE')), bool_and(pg_has_role(session_user, oid, 'SET'))
               FROM pg_roles WHERE rolname = ANY(%s)""",
            [names],
        )
        may_do_more, is_inherited, can_be_taken = cursor.fetchone()
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = session_user")
        [is_superuser] = cursor.fetchone()
        cursor.execute(
            "SELECT count(*) FROM pg_shdepend WHERE refobjid = ANY(%s::regrole[]::oid[]) AND deptype = 'o'", [names]
        )
        [owned] = cursor.fetchone()
    assert (may_do_more, is_inherited, can_be_taken, is_superuser, owned) == (False, False, True, False, 0)


def test_a_role_left_on_the_connection_opens_nothing(pair: tuple[Box, Box]) -> None:
    north, south = pair
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(north.dazbox.schema_name)))
    with pytest.raises(ProgrammingError, match="permission denied for table tenants_dazbox"):
        Dazbox.objects.count()
    with enter_tenant(south.tenant):
        assert OwnNode.objects.get().forward_cursor == "south"
        with pytest.raises(ProgrammingError, match="permission denied"):
            run("TABLE {south}.nodes_ownnode", north)


def test_role_and_path_are_back_after_every_message(pair: tuple[Box, Box]) -> None:
    with enter_tenant(pair[0].tenant), suppress(ProgrammingError), transaction.atomic():
        assert run("SELECT current_user, session_user <> current_user", pair[0]) == [(pair[0].dazbox.schema_name, True)]
        run("SELECT nonsense", pair[0])
    assert run("SELECT current_user = session_user, current_setting('search_path')", pair[0]) == [(True, "public")]


def test_the_owner_builds_and_copies_but_the_tenants_role_is_back_afterwards(pair: tuple[Box, Box]) -> None:
    north, _ = pair
    with enter_tenant(north.tenant), transaction.atomic():
        with use_schema(north.dazbox.schema_name):
            assert run("SELECT current_user::text", north) == [(settings.ENV.database_owner,)]
        assert run("SELECT current_user::text", north) == [(north.dazbox.schema_name,)]


def test_the_end_of_a_box_is_the_end_of_its_role(pair: tuple[Box, Box]) -> None:
    gone = make_box("gone").dazbox
    assert gone.schema_name in list_box_roles()
    Dazbox.objects.filter(id=gone.id).update(state=DazboxState.DELETING, purge_at=timezone.now())
    gone.refresh_from_db()
    assert purge_dazbox(gone).state == DazboxState.DELETED
    assert list_box_roles() == list_box_schemas() == sorted(box.dazbox.schema_name for box in pair)
    with pytest.raises(DatabaseError, match="does not exist"), enter_tenant(refer_to(gone)):
        OwnNode.objects.count()
