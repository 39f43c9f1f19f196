"""Building the schema of one box."""

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.migrations.exceptions import MigrationSchemaMissing
from django.utils import timezone

from tenants.context import use_schema
from tenants.models.dazbox import UNBUILT_STATES, Dazbox, DazboxState
from tenants.models.operation import OperationKind
from tenants.models.revision import Revision
from tenants.models.template import SchemaTemplate
from tenants.provisioning.lifecycle import change_state
from tenants.provisioning.operation import begin_attempt, note_failure, note_success
from tenants.sealing.tenant import create_keys

log = structlog.get_logger(__name__)
ACTOR = "provisioning"
# The oldest spare of this revision that nobody else is taking and whose schema is really there.
_CLAIM_SPARE = """
DELETE FROM tenants_spareschema WHERE schema_name = (
    SELECT schema_name FROM tenants_spareschema
    WHERE revision = %s AND to_regnamespace(quote_ident(schema_name)) IS NOT NULL
    ORDER BY built_at LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING schema_name
"""
# The tenant's role reads and writes rows, now and of tables that later migrations add; it owns nothing.
_OPEN = """
CREATE ROLE "{name}" NOLOGIN;
GRANT "{name}" TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
CREATE SCHEMA "{name}";
GRANT USAGE ON SCHEMA "{name}" TO "{name}";
ALTER DEFAULT PRIVILEGES IN SCHEMA "{name}" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{name}";
"""
# What a role owns outside its schema (large objects) would keep it alive; only who inherits from it may drop that.
_DROP = """
DROP SCHEMA IF EXISTS "{name}" CASCADE;
DO $$ BEGIN IF to_regrole('"{name}"') IS NOT NULL THEN
    GRANT "{name}" TO CURRENT_USER WITH INHERIT TRUE;
    DROP OWNED BY "{name}";
END IF; END $$;
DROP ROLE IF EXISTS "{name}";
"""


def build_schema(schema_name: str, template: SchemaTemplate) -> None:
    """One message to the server: the role, the schema and everything in it. All or nothing."""
    with use_schema(schema_name), connection.cursor() as cursor:
        cursor.execute(f"{_OPEN.format(name=schema_name)}{template.ddl}")


def drop_schema(schema_name: str) -> None:
    """The schema, its role and its marks. Raises DatabaseError where it is in use for longer than the lock timeout."""
    with transaction.atomic():
        with use_schema(schema_name), connection.cursor() as cursor:
            cursor.execute(_DROP.format(name=schema_name))
        Revision.objects.filter(schema_name=schema_name).delete()  # whoever wrote there has ended: no more are drawn


def take_schema(schema_name: str, template: SchemaTemplate) -> str:
    """A schema for a box, in the transaction we are in: a spare under its own name, or a new one called `schema_name`.

    Returns the name it has. A spare changes hands with the end of its row, so two boxes never get one.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM_SPARE, [template.revision])
        if claimed := cursor.fetchone():
            return str(claimed[0])
    build_schema(schema_name, template)
    return schema_name


def activate_dazbox(dazbox: Dazbox) -> Dazbox:
    """Gives a claimed box its schema and puts it into service: 1. note the attempt  2. schema, keys and state.

    Step 2 is one transaction: killed at any point, the box is either still `provisioning` without a schema or `active`
    with one, and calling again goes on from there. A failure is noted on the box and raised.
    """
    template = current_template()
    _begin_attempt(dazbox)
    try:
        with transaction.atomic():
            row: Dazbox = Dazbox.objects.select_for_update().get(id=dazbox.id)
            if row.state == DazboxState.PROVISIONING:
                row.schema_name = take_schema(row.schema_name, template)
                create_keys(row.id)
                change_state(
                    row, DazboxState.ACTIVE, actor=ACTOR, reason="its schema is built",
                    schema_name=row.schema_name, schema_revision=template.revision,
                )  # fmt: skip
                note_success(row.id, OperationKind.PROVISION)
            return row
    except DatabaseError as error:
        _note_failure(dazbox, error)
        raise


def _begin_attempt(dazbox: Dazbox) -> None:
    with transaction.atomic():
        row: Dazbox = Dazbox.objects.select_for_update().get(id=dazbox.id)
        if row.state in {DazboxState.CLAIMED, DazboxState.PROVISIONING_FAILED}:
            change_state(row, DazboxState.PROVISIONING, actor=ACTOR, reason="an attempt begins")
        if row.state == DazboxState.PROVISIONING:
            begin_attempt(row.id, OperationKind.PROVISION, step="schema")


def _note_failure(dazbox: Dazbox, error: DatabaseError) -> None:
    with transaction.atomic():
        row: Dazbox = Dazbox.objects.select_for_update().get(id=dazbox.id)
        if row.state == DazboxState.PROVISIONING:
            change_state(row, DazboxState.PROVISIONING_FAILED, actor=ACTOR, reason=type(error).__name__)
            note_failure(row.id, OperationKind.PROVISION, error=error)


def resume_provisioning() -> int:
    """Finishes boxes whose provisioning was cut off. Returns how many; one that fails is logged and stops no other."""
    unfinished = Dazbox.objects.filter(state__in=UNBUILT_STATES, created_at__lt=timezone.now())
    return sum(_finish(dazbox) for dazbox in list(unfinished))


def _finish(dazbox: Dazbox) -> bool:
    try:
        activate_dazbox(dazbox)
    except DatabaseError:
        log.exception("provisioning_failed", dazbox=str(dazbox.id))
        return False
    return True


def current_template() -> SchemaTemplate:
    """The template in force. Raises MigrationSchemaMissing when `manage.py prepare` never ran."""
    try:
        return SchemaTemplate.objects.latest()
    except SchemaTemplate.DoesNotExist:
        raise MigrationSchemaMissing("there is no schema template yet: run `manage.py prepare`") from None
