"""Building the schema of one box."""

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.migrations.exceptions import MigrationSchemaMissing
from django.utils import timezone

from tenants.context import use_schema
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.models.template import SchemaTemplate

log = structlog.get_logger(__name__)


def build_schema(schema_name: str, template: SchemaTemplate) -> None:
    """One message to the server: the schema and everything in it. All or nothing."""
    with transaction.atomic(), use_schema(schema_name), connection.cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA "{schema_name}";\n{template.ddl}')


def activate_dazbox(dazbox: Dazbox) -> Dazbox:
    """Gives a provisioned box its schema and puts it into service.

    Schema and state change in one transaction: killed at any point, the box is either still `provisioning` without a
    schema or `active` with one, and calling again goes on from there.
    """
    template = current_template()
    with transaction.atomic():
        row: Dazbox = Dazbox.objects.select_for_update().get(id=dazbox.id)
        if row.state == DazboxState.PROVISIONING:
            build_schema(row.schema_name, template)
            row.schema_revision = template.revision
            row.state = DazboxState.ACTIVE
            row.save(update_fields=["schema_revision", "state"])
    return row


def resume_provisioning() -> int:
    """Finishes boxes whose provisioning was cut off. Returns how many; one that fails is logged and stops no other."""
    unfinished = Dazbox.objects.filter(state=DazboxState.PROVISIONING, created_at__lt=timezone.now())
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
