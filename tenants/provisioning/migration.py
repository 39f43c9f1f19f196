"""Every box to the newest revision of the template, each in a transaction of its own."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from django.db import connections, transaction

from tenants.models.dazbox import Dazbox
from tenants.provisioning.schema import current_template
from tenants.provisioning.upgrade import Upgrade, plan_upgrade, upgrade_schema
from tenants.selectors import find_behind

log = structlog.get_logger(__name__)
THREADS = 2
ROUNDS = 2  # the second for boxes that were in use, or were built from the old template meanwhile


@dataclass(slots=True)
class Outcome:
    migrated: int = 0
    failures: dict[UUID, str] = field(default_factory=dict)


def migrate_tenants() -> Outcome:
    """1. who is behind  2. the SQL between each old revision and the newest, once  3. that SQL to each box.

    A box that fails is left as it was and reported. Killed at any point, calling again goes on with those left.
    """
    outcome = Outcome()
    target = current_template().revision
    for _ in range(ROUNDS):
        outcome.failures.clear()
        for origin in find_behind(target).order_by().values_list("schema_revision", flat=True).distinct():
            _migrate_all(plan_upgrade(origin, target), outcome)
    return outcome


def migrate_dazbox(dazbox_id: UUID, upgrade: Upgrade) -> bool:
    """False when the box is not at the revision the upgrade begins with. Raises what a migration raises."""
    with transaction.atomic():
        row = Dazbox.objects.select_for_update().filter(id=dazbox_id, schema_revision=upgrade.origin).first()
        if row is None:
            return False
        upgrade_schema(row.schema_name, upgrade)
        Dazbox.objects.filter(id=row.id).update(schema_revision=upgrade.target)
    return True


def _migrate_all(upgrade: Upgrade, outcome: Outcome) -> None:
    ids = list(find_behind(upgrade.target).filter(schema_revision=upgrade.origin).values_list("id", flat=True))
    with ThreadPoolExecutor(THREADS) as pool:
        for part in pool.map(lambda number: _migrate_some(ids[number::THREADS], upgrade), range(THREADS)):
            outcome.migrated += part.migrated
            outcome.failures |= part.failures


def _migrate_some(ids: list[UUID], upgrade: Upgrade) -> Outcome:
    """On a connection of this thread's own."""
    part = Outcome()
    for dazbox_id in ids:
        try:
            part.migrated += migrate_dazbox(dazbox_id, upgrade)
        except Exception as error:  # a migration may run any code; its failure is this box's alone
            log.exception("migration_failed", dazbox=str(dazbox_id))
            part.failures[dazbox_id] = f"{type(error).__name__}: {error}".splitlines()[0]
    connections.close_all()
    return part
