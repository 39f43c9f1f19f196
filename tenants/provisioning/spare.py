"""A pool of schemas built in advance: a new box takes one over in the time of a few queries."""

import structlog
from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

from tenants.context import use_schema
from tenants.models.dazbox import new_schema_name
from tenants.models.spare import SpareSchema
from tenants.models.template import SchemaTemplate
from tenants.provisioning.schema import build_schema, current_template, drop_schema

log = structlog.get_logger(__name__)
POOL_LOCK = 0x7370_6172
_EXISTING = "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)"
# Names as `new_schema_name` makes them, so never the template's. One statement: it sees one moment.
_OWNERLESS = """
SELECT nspname FROM pg_namespace WHERE nspname ~ '^dz_[0-9a-f]{20}$' AND pg_get_userbyid(nspowner) = %s
  AND NOT EXISTS (SELECT FROM tenants_dazbox d WHERE d.schema_name = nspname)
  AND NOT EXISTS (SELECT FROM tenants_spareschema s WHERE s.schema_name = nspname)
"""
_TABLES = """
SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname = %s AND relkind = 'r' AND relname <> 'django_migrations'
"""


def tend_pool(target: int) -> int:
    """Puts the pool right and fills it up to `target`. Returns how many schemas were built. Harmless to repeat.

    1. rows without a schema go  2. schemas without an owner go, if they hold nothing
    3. spares of an older revision go  4. fill up
    """
    template = current_template()
    _forget_missing()
    _drop_ownerless()
    _drop_outdated(template)
    built = 0
    while _add_spare(template, target):
        built += 1
    return built


def _forget_missing() -> None:
    names = list(SpareSchema.objects.values_list("schema_name", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(_EXISTING, [names])
        existing = {name for (name,) in cursor.fetchall()}
    for name in set(names) - existing:  # a name read above may have found its box since: then its row is gone already
        log.warning("spare_schema_missing", schema=name)
        SpareSchema.objects.filter(schema_name=name).delete()


def _drop_ownerless() -> None:
    """Building and giving away are transactions, so none comes from us; somebody's data are never dropped."""
    with connection.cursor() as cursor:
        cursor.execute(_OWNERLESS, [settings.ENV.database_owner])
        names = [name for (name,) in cursor.fetchall()]
    for name in names:
        if _is_empty(name):
            drop_schema(name)
            log.warning("ownerless_schema_dropped", schema=name)
        else:
            log.error("ownerless_schema_holds_data", schema=name)


def _is_empty(schema_name: str) -> bool:
    with use_schema(schema_name), connection.cursor() as cursor:
        cursor.execute(_TABLES, [schema_name])
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(table)))
            if cursor.fetchone()[0]:
                return False
    return True


def _drop_outdated(template: SchemaTemplate) -> None:
    for name in SpareSchema.objects.exclude(revision=template.revision).values_list("schema_name", flat=True):
        with transaction.atomic():
            row = SpareSchema.objects.select_for_update(skip_locked=True).filter(schema_name=name).first()
            if row is not None:  # nobody is at it
                row.delete()
                drop_schema(name)


def _add_spare(template: SchemaTemplate, target: int) -> bool:
    """One at a time, in a transaction each; False when there are enough or somebody else is filling up."""
    with transaction.atomic():
        if not _lock_pool() or SpareSchema.objects.count() >= target:
            return False
        name = new_schema_name()
        build_schema(name, template)
        SpareSchema.objects.create(schema_name=name, revision=template.revision)
    return True


def _lock_pool() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [POOL_LOCK])
        return bool(cursor.fetchone()[0])
