"""A new master key takes over, while everybody goes on reading."""

from collections import Counter

from django.db import transaction
from django.db.models import Count

from tenants.models.tenant_key import TenantKey
from tenants.sealing.master import load_master_ring
from tenants.sealing.tenant import unwrap, wrap

BATCH = 500


def rewrap_keys() -> int:
    """Every key of every box under the master key in force. Returns how many were under another.

    A row changes at once, and the old master key stays until it is retired: who reads meanwhile opens either. Cut off
    at any point, calling again goes on. Raises KeyMissingError, SealBrokenError.
    """
    count = 0
    while batch := _rewrap_some():
        count += batch
    return count


def count_wrapped() -> Counter[str]:
    """Keys of boxes by the kid of their master key, of lost ones too."""
    return Counter(dict(TenantKey.objects.values_list("master_kid").annotate(Count("id")).order_by("master_kid")))


@transaction.atomic
def _rewrap_some() -> int:
    ring = load_master_ring()
    rows = TenantKey.objects.select_for_update().exclude(master_kid=ring.wrapper.kid).order_by("id")[:BATCH]
    changed = list(rows)
    for row in changed:
        wrap(row, unwrap(row, ring), ring=ring)
    TenantKey.objects.bulk_update(changed, ["master_kid", "wrapped"])
    return len(changed)
