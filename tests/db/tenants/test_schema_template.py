"""A box built from the template is the box that django-tenants' own migrations would have built, to the last name."""

from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection

from tenants.context import use_schema
from tenants.models.dazbox import Dazbox, DazboxState, new_schema_name
from tenants.models.template import SchemaTemplate
from tenants.provisioning.schema import activate_dazbox, build_schema, resume_provisioning
from tests.committed import list_box_schemas
from tests.factories import pubkey_of

# Whatever the catalog knows of a schema, in words without its name and without object ids.
CATALOG = {
    "relations": """
        SELECT relname, relkind, relpersistence, reloptions, relrowsecurity, relforcerowsecurity, relreplident,
               replace(relacl::text, %(schema)s, 'the box'), obj_description(oid, 'pg_class')
        FROM pg_class WHERE relnamespace = %(schema)s::regnamespace ORDER BY relname
    """,
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
               pg_get_expr(d.adbin, d.adrelid), l.collname, a.attstorage, a.attcompression,
               col_description(c.oid, a.attnum)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        LEFT JOIN pg_collation l ON l.oid = a.attcollation
        WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY c.relname, a.attnum
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, contype, pg_get_constraintdef(oid), condeferrable, condeferred,
               convalidated, conindid::regclass::text, confrelid::regclass::text
        FROM pg_constraint WHERE connamespace = %(schema)s::regnamespace ORDER BY 1, 2
    """,
    "indexes": """
        SELECT c.relname, replace(pg_get_indexdef(i.indexrelid), %(schema)s || '.', ''), i.indisunique, i.indisprimary,
               i.indisvalid, i.indisready, i.indisclustered, i.indisreplident
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relnamespace = %(schema)s::regnamespace ORDER BY c.relname
    """,
    "sequences": """
        SELECT c.relname, s.seqtypid::regtype::text, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache,
               s.seqcycle, d.refobjid::regclass::text, d.refobjsubid, d.deptype
        FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
        LEFT JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.refobjsubid > 0
        WHERE c.relnamespace = %(schema)s::regnamespace ORDER BY c.relname
    """,
    "triggers": """
        SELECT tgname, tgenabled, replace(pg_get_triggerdef(t.oid), %(schema)s || '.', '')
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = %(schema)s::regnamespace AND NOT tgisinternal ORDER BY tgname
    """,
    "routines": "SELECT proname FROM pg_proc WHERE pronamespace = %(schema)s::regnamespace ORDER BY proname",
    "types": """
        SELECT typname, typtype FROM pg_type WHERE typnamespace = %(schema)s::regnamespace ORDER BY typname
    """,
    "migrations": "SELECT app, name FROM django_migrations WHERE app = 'nodes' ORDER BY id",
}


def make_row(name: str) -> Dazbox:
    row: Dazbox = Dazbox.objects.create(schema_name=new_schema_name(), pubkey=pubkey_of(name))
    return row


@pytest.fixture
def templated(db: None) -> Dazbox:
    return activate_dazbox(make_row("from the template"))


@pytest.fixture
def migrated(db: None) -> Dazbox:
    return migrate_row(make_row("migrated"))


def migrate_row(row: Dazbox) -> Dazbox:
    """Filled the stock way, as TenantMixin.create_schema does it."""
    build_schema(row.schema_name, SchemaTemplate(ddl=""))
    call_command("migrate_schemas", tenant=True, schema_name=row.schema_name, interactive=False, verbosity=0)
    return row


def describe(dazbox: Dazbox, kind: str) -> list[tuple[Any, ...]]:
    with use_schema(dazbox.schema_name), connection.cursor() as cursor:
        cursor.execute(CATALOG[kind], {"schema": dazbox.schema_name})
        return list(cursor.fetchall())


def describe_checks(dazbox: Dazbox) -> dict[str, str]:
    """As PostgreSQL writes them once it has read its own words: it puts the casts of an IN elsewhere, nothing more."""
    checks = [(table, name, text) for table, name, kind, text, *_ in describe(dazbox, "constraints") if kind == "c"]
    reread = {}
    with use_schema(dazbox.schema_name), connection.cursor() as cursor:
        for table, name, text in checks:
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT reread {text}")
            cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'reread'")
            reread[name] = cursor.fetchone()[0]
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT reread")
    return reread


def test_a_schema_from_the_template_equals_a_migrated_one(templated: Dazbox, migrated: Dazbox) -> None:
    for kind in CATALOG:
        built, expected = describe(templated, kind), describe(migrated, kind)
        if kind == "constraints":
            built, expected = without_check_text(built), without_check_text(expected)
        assert built == expected, kind
    assert describe_checks(templated) == describe_checks(migrated)
    for kind in ("relations", "columns", "constraints", "indexes", "sequences", "triggers", "migrations"):
        assert describe(templated, kind) != [], kind


def without_check_text(constraints: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [row if row[2] != "c" else (*row[:3], None, *row[4:]) for row in constraints]


def test_the_comparison_would_see_a_difference(templated: Dazbox, migrated: Dazbox) -> None:
    with use_schema(templated.schema_name), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE nodes_decision RENAME CONSTRAINT decision_once_a_run TO another")
        cursor.execute("ALTER TABLE nodes_channel ALTER closed_at SET DEFAULT now()")
    different = {kind for kind in CATALOG if describe(templated, kind) != describe(migrated, kind)}
    assert different == {"columns", "constraints", "indexes", "relations"}


def test_a_tenant_holds_the_tables_of_tenant_apps_and_no_others(templated: Dazbox) -> None:
    models = [
        model for model in apps.get_models() if apps.get_app_config(model._meta.app_label).name in settings.TENANT_APPS
    ]
    tables = {name for name, kind, *_ in describe(templated, "relations") if kind == "r"}
    assert tables == {model._meta.db_table for model in models} | {"django_migrations"}
    assert not {name for name in tables if name.startswith(("auth_", "admin_", "contenttypes_", "django_session"))}


def test_no_index_of_a_tenant_is_redundant(templated: Dazbox) -> None:
    """None for LIKE, and none whose columns another index begins with."""
    with use_schema(templated.schema_name), connection.cursor() as cursor:
        cursor.execute(
            """SELECT indrelid::regclass::text, indexrelid::regclass::text, indkey::int2[]
               FROM pg_index WHERE indpred IS NULL
                   AND indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = %s::regnamespace)""",
            [templated.schema_name],
        )
        indexes = cursor.fetchall()
    assert len(indexes) >= 8
    assert [name for _, name, _ in indexes if name.endswith("_like")] == []
    redundant = [
        (name, other)
        for table, name, columns in indexes
        for other_table, other, other_columns in indexes
        if name != other and table == other_table and other_columns[: len(columns)] == columns
    ]
    assert redundant == []


def test_activating_twice_builds_one_schema(templated: Dazbox) -> None:
    schemas, relations = list_box_schemas(), describe_oids(templated)
    again = activate_dazbox(templated)
    assert (again.state, again.schema_name) == (DazboxState.ACTIVE, templated.schema_name)
    assert (list_box_schemas(), describe_oids(templated)) == (schemas, relations)


def describe_oids(dazbox: Dazbox) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT oid FROM pg_class WHERE relnamespace = %s::regnamespace", [dazbox.schema_name])
        return sorted(oid for (oid,) in cursor.fetchall())


def test_resuming_finishes_what_was_cut_off_and_one_that_cannot_be_stops_no_other(db: None) -> None:
    blocked, waiting = make_row("blocked"), make_row("waiting")
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA "{blocked.schema_name}"')  # somebody else's: ours is never there without its box
    assert resume_provisioning() == 1
    blocked.refresh_from_db()
    waiting.refresh_from_db()
    assert (blocked.state, waiting.state) == (DazboxState.PROVISIONING_FAILED, DazboxState.ACTIVE)
    assert describe(waiting, "migrations") != []
    with connection.cursor() as cursor:
        cursor.execute(f'DROP SCHEMA "{blocked.schema_name}"')
    assert (resume_provisioning(), resume_provisioning()) == (1, 0)


def test_a_schema_that_fails_half_way_leaves_nothing(db: None) -> None:
    row = make_row("spoilt")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tenants_schematemplate SET ddl = ddl || '; SELECT nonsense'")
    with pytest.raises(DatabaseError, match="nonsense"):
        activate_dazbox(row)
    row.refresh_from_db()
    assert (row.state, row.schema_name in list_box_schemas()) == (DazboxState.PROVISIONING_FAILED, False)
