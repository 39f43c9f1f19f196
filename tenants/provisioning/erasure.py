"""What a purge leaves behind in the files of the database: rows and statistics that are dead, but there to read.

PostgreSQL keeps a deleted row in its page until that is written over. Tables of the box's own schema go as files; the
few public ones that name a node are written anew without it. What the WAL says of it stays until the server recycles
those segments (`max_wal_size`), and in archives and copies of the database for as long as they are kept.
"""

import datetime as dt
from collections.abc import Mapping

import structlog
from django.db import DatabaseError, connection
from django.utils import timezone
from psycopg import sql

from tenants.models.dazbox import Dazbox, DazboxState

log = structlog.get_logger(__name__)
# Tables of the public schema with words of or about a box, and the columns that hold them.
NAMING: Mapping[str, tuple[str, ...]] = {
    "tenants_dazbox": ("pubkey", "alias", "owner_pause_reason", "operator_suspension_reason"),
    "tenants_claim": ("label", "allowed_pubkey"),
    "tenants_challenge": ("pubkey",),
    "tenants_deviceauthorization": ("pubkey", "alias", "address"),
    "tenants_redeemfailure": ("source",),
    "tenants_apikey": ("name",),
    "tenants_cycleschedule": ("last_error",),
    "tenants_job": ("args", "last_error"),
    "tenants_operation": ("error",),
    "tenants_tenantkey": ("wrapped",),  # the only copy of what opens its backups
    "django_admin_log": ("object_repr", "change_message"),
}
SETTLED_AFTER = dt.timedelta(minutes=1)  # a purge that began then has ended
# A row some older transaction may still read is kept by every VACUUM.
_OLDEST = "SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def keep_out_of_statistics() -> None:
    """The planner's statistics are samples of the rows, and outlive them: of these columns none are taken."""
    with connection.cursor() as cursor:
        for table, columns in NAMING.items():
            changes = [sql.SQL("ALTER {} SET STATISTICS 0").format(sql.Identifier(column)) for column in columns]
            cursor.execute(sql.SQL("ALTER TABLE {} {}").format(sql.Identifier(table), sql.SQL(", ").join(changes)))


def wipe_remains(*, settled_after: dt.timedelta = SETTLED_AFTER) -> int:
    """Writes those tables anew for boxes purged since, and notes it on their tombstones. Returns how many boxes.

    Not within a transaction. Each table is locked while it is rewritten: some milliseconds for thousands of boxes.
    Where that is not possible now, or a transaction is open that is older than the purge, the next call does it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST)
        [oldest] = cursor.fetchone()
    until = min(filter(None, (oldest, timezone.now()))) - settled_after
    buried = list(Dazbox.objects.filter(state=DazboxState.DELETED, erased_at=None, state_since__lt=until))
    if not buried or not _try_rewrite():
        return 0
    Dazbox.objects.filter(id__in=[dazbox.id for dazbox in buried]).update(erased_at=timezone.now())
    return len(buried)


def _try_rewrite() -> bool:
    try:
        return all(_rewrite(table) for table in NAMING)
    except DatabaseError as error:
        log.warning("remains_not_wiped", error=type(error).__name__)
        return False


def _rewrite(table: str) -> bool:
    """False where it is not ours to do so: PostgreSQL says that as a mere warning."""
    with connection.cursor() as cursor:
        before = _find_file(table)
        cursor.execute(sql.SQL("VACUUM (FULL, ANALYZE) {}").format(sql.Identifier(table)))
    is_new = _find_file(table) != before
    if not is_new:
        log.error("remains_not_ours_to_wipe", table=table)
    return is_new


def _find_file(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_filenode(%s)", [table])
        [node] = cursor.fetchone()
    return int(node)
