"""Everything a box stored is sealed anew with a new key, while it reports and is read.

Each row says in its first bytes with which generation it is sealed, so what is left to do is a query: a job that was
cut off goes on where it stood. So it is with points of documents, which lie elsewhere (`seal_elsewhere`).
Older generations stay, because backups need them, until they are destroyed in earnest.
"""

import datetime as dt
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from psycopg import sql

from nodes.pipeline.journal import note
from tenants.context import TenantRef, enter_tenant, leave_tenant
from tenants.events import ElsewhereError, has_older_seals, seal_elsewhere
from tenants.models.tenant_key import TenantKey
from tenants.sealing.payload import SealedModel
from tenants.sealing.tenant import add_generation

BATCH = 200
LONGEST_STAY = dt.timedelta(minutes=10)  # behind a door, with the keys it began with


class StillInUseError(Exception):
    """An older key cannot be destroyed yet. The message says why and what to do."""


def reencrypt_tenant(tenant: TenantRef) -> int:
    """1. a new key, unless an earlier run left something under an older one  2. every row that is not under the newest
    3. what lies elsewhere.

    Returns how many rows were sealed anew. Each batch is a transaction of its own, and waits for nobody but who writes
    the same rows. Raises SealError, and ElsewhereError where the rows are done and the rest has to wait.
    """
    begin_reencryption(tenant)
    with enter_tenant(tenant):  # anew: with the new key
        count = sum(iter(seal_batch, 0))
        note_reencryption(count)
        sum(iter(seal_elsewhere, 0))
    return count


def begin_reencryption(tenant: TenantRef) -> None:
    """A new key, unless something is left under an older one."""
    with enter_tenant(tenant):
        has_begun = any(model.list_stale(limit=1) for model in list_sealed_models()) or _is_left_elsewhere()
    if not has_begun:
        add_generation(tenant.id)


def _is_left_elsewhere() -> bool:
    """Unknown is no: one key more does no harm, and no new key may."""
    try:
        return has_older_seals()
    except ElsewhereError:
        return False


def seal_batch() -> int:
    """Seals the next rows of the tenant we are in with its newest key. Returns how many: none when all are.

    A row whose owner changed it meanwhile is under the newest key anyway. Raises SealError.
    """
    for model in list_sealed_models():
        if keys := model.list_stale(limit=BATCH):
            _seal_rows(model, keys)
            return len(keys)
    return 0


def note_reencryption(rows: int) -> None:
    if rows:
        note("keys", "Everything stored was sealed with a new key", rows=rows)


def destroy_old_keys(tenant: TenantRef) -> int:
    """Backups from before cannot be opened any more. Returns how many keys were destroyed.

    Raises StillInUseError while something is under one, or somebody may still be writing with one, and ElsewhereError
    while nobody knows.
    """
    _check_age(TenantKey.objects.filter(dazbox_id=tenant.id).order_by("-generation").first())
    with enter_tenant(tenant):
        if has_older_seals():
            raise StillInUseError("points are sealed with an older key: `manage.py reencrypt_tenant` first")
    return _destroy_unless_used(tenant)


@transaction.atomic
def _destroy_unless_used(tenant: TenantRef) -> int:
    generations = TenantKey.objects.filter(dazbox_id=tenant.id).order_by("-generation")
    newest = generations.select_for_update().first()
    _check_age(newest)
    if newest is None:
        return 0
    with enter_tenant(tenant):
        _lock_tables()  # who has written already is waited for; who is yet to write has the newest key
        if any(model.list_stale(limit=1) for model in list_sealed_models()):
            raise StillInUseError("rows are sealed with an older key: `manage.py reencrypt_tenant` first")
        count = _delete_older(tenant, newest.generation)
        if count:
            note("keys", "Older keys were destroyed: backups from before cannot be opened any more", keys=count)
    return count


def _check_age(newest: TenantKey | None) -> None:
    """Raises StillInUseError while somebody may be behind the door who came before it was made."""
    if newest is not None and newest.created_at + LONGEST_STAY > timezone.now():
        ready_at = newest.created_at + LONGEST_STAY
        raise StillInUseError(f"somebody may still write with an older key: again after {ready_at:%H:%M:%S} UTC")


def list_sealed_models() -> list[type[SealedModel]]:
    return [model for model in apps.get_models() if issubclass(model, SealedModel)]


@transaction.atomic
def _seal_rows(model: type[SealedModel], keys: list[Any]) -> None:
    columns = [field.attname for field in model.list_payloads()]
    rows: QuerySet[SealedModel] = QuerySet(model).select_for_update()
    for row in rows.filter(pk__in=keys):
        row.save(update_fields=columns)


def _lock_tables() -> None:
    tables = sql.SQL(", ").join(sql.Identifier(model.name_table()) for model in list_sealed_models())
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(tables))


def _delete_older(tenant: TenantRef, newest: int) -> int:
    with leave_tenant():
        return TenantKey.objects.filter(dazbox_id=tenant.id, generation__lt=newest).delete()[0]
