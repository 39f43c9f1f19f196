"""Building the schema of one box."""

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.migrations.exceptions import MigrationSchemaMissing
from django.db.models import F
from django.utils import timezone

from tenants.context import use_schema
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.models.template import SchemaTemplate
from tenants.provisioning.lifecycle import change_state

log = structlog.get_logger(__name__)
ACTOR = "provisioning"
UNFINISHED = (DazboxState.CLAIMED, DazboxState.PROVISIONING, DazboxState.PROVISIONING_FAILED)


def build_schema(schema_name: str, template: SchemaTemplate) -> None:
    """One message to the server: the schema and everything in it. All or nothing."""
    with transaction.atomic(), use_schema(schema_name), connection.cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA "{schema_name}";\n{template.ddl}')


def activate_dazbox(dazbox: Dazbox) -> Dazbox:
    """Gives a claimed box its schema and puts it into service: 1. note the attempt  2. schema and state.

    Schema and state change in one transaction: killed at any point, the box is either still `provisioning` without a
    schema or `active` with one, and calling again goes on from there. A failure is noted on the box and raised.
    """
    template = current_template()
    _begin_attempt(dazbox)
    try:
        with transaction.atomic():
            row: Dazbox = Dazbox.objects.select_for_update().get(id=dazbox.id)
            if row.state == DazboxState.PROVISIONING:
                build_schema(row.schema_name, template)
                reason = "its schema is built"
                change_state(
                    row, DazboxState.ACTIVE, actor=ACTOR, reason=reason,
                    schema_revision=template.revision, provisioning_error="",
                )  # fmt: skip
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
            Dazbox.objects.filter(id=row.id).update(provisioning_attempts=F("provisioning_attempts") + 1)


def _note_failure(dazbox: Dazbox, error: DatabaseError) -> None:
    with transaction.atomic():
        row: Dazbox = Dazbox.objects.select_for_update().get(id=dazbox.id)
        if row.state == DazboxState.PROVISIONING:
            name = type(error).__name__
            change_state(
                row, DazboxState.PROVISIONING_FAILED, actor=ACTOR, reason=name, provisioning_error=str(error)[:200]
            )


def resume_provisioning() -> int:
    """Finishes boxes whose provisioning was cut off. Returns how many; one that fails is logged and stops no other."""
    unfinished = Dazbox.objects.filter(state__in=UNFINISHED, created_at__lt=timezone.now())
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
