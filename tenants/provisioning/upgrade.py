"""From one revision of the template to another: the SQL of the migrations between, worked out once for all boxes.

Migrations are run in earnest on a throw-away copy of the old revision, in a transaction that is rolled back, and what
they execute is written down. So names that Django looks up in the catalog are found, also those an earlier migration of
the same upgrade gave; collecting SQL without running it would miss them.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations import SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

from tenants.context import use_schema
from tenants.models.dazbox import new_schema_name
from tenants.models.template import SchemaTemplate
from tenants.provisioning.schema import build_schema
from tenants.provisioning.template import list_tenant_leaves, migrate_current_schema

# A box whose tables somebody uses for longer than this is left for the next round; migrating itself may take its time.
TIME_LIMITS = "SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = '10min'"


@dataclass(frozen=True, slots=True)
class Upgrade:
    """`script` is None where SQL is not enough: a migration runs Python, or nobody knows the old revision."""

    origin: str
    target: str
    script: str | None


class _RecordingEditor(DatabaseSchemaEditor):
    """Executes each statement and writes it down with its parameters in it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.statements: list[str] = []

    def execute(self, sql: Any, params: Any = ()) -> None:
        statement = str(sql) if params is None else self.connection.ops.compose_sql(str(sql), params)
        self.statements.append(statement.strip().rstrip(";"))
        super().execute(statement, None)


class _RecordingExecutor(MigrationExecutor):
    """Keeps what each migration executed, in their order."""

    def __init__(self) -> None:
        super().__init__(connection)
        self.statements: list[str] = []

    def apply_migration(self, state: Any, migration: Migration, fake: bool = False, fake_initial: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        with _RecordingEditor(self.connection) as editor:
            state = migration.apply(state, editor)
        self.statements += editor.statements
        self.record_migration(migration)  # type: ignore[arg-type, call-arg]  # the stubs are of an older Django
        return state


def plan_upgrade(origin: str, target: str) -> Upgrade:
    """What takes a schema from the revision `origin` to `target`, the newest."""
    template = SchemaTemplate.objects.filter(revision=origin).first()
    return Upgrade(origin, target, _script_migrations(template) if template else None)


def upgrade_schema(schema_name: str, upgrade: Upgrade) -> None:
    """All of it in the transaction we are in: one message, or Django's executor where Python must run.

    Raises whatever a migration raises.
    """
    with transaction.atomic(), use_schema(schema_name):
        if upgrade.script is None:
            with connection.cursor() as cursor:
                cursor.execute(TIME_LIMITS)
            migrate_current_schema()
            return
        with connection.cursor() as cursor:
            cursor.execute(f"{TIME_LIMITS};\n{upgrade.script}")


def _script_migrations(template: SchemaTemplate) -> str | None:
    copy = new_schema_name()
    with transaction.atomic():
        build_schema(copy, template)
        with use_schema(copy):
            script = _record_migrations()
        transaction.set_rollback(True)
    return script


def _record_migrations() -> str | None:
    executor = _RecordingExecutor()
    leaves = list_tenant_leaves(executor)
    plan = executor.migration_plan(leaves)
    if not all(_is_sql(operation) for migration, _ in plan for operation in migration.operations):
        return None
    known = set(executor.loader.applied_migrations)
    executor.migrate(leaves, plan)
    rows = [
        f"('{app}', '{name}', now())"
        for app, name in executor.recorder.applied_migrations()
        if (app, name) not in known
    ]
    insert = [f"INSERT INTO django_migrations (app, name, applied) VALUES {', '.join(rows)}"] if rows else []  # noqa: S608 - names of our own migrations
    return ";\n".join([*executor.statements, *insert])


def _is_sql(operation: Operation) -> bool:
    if isinstance(operation, SeparateDatabaseAndState):
        return all(_is_sql(nested) for nested in operation.database_operations)
    return operation.reduces_to_sql
