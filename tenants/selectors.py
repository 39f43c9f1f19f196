"""Questions about boxes, claims and clients."""

import datetime as dt
import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from mcp_saas.kit.ttl_cache import TtlCache
from tenants.context import TenantRef, leave_tenant
from tenants.engine.plan import PLANS, Plan
from tenants.models.claim import Claim
from tenants.models.client import ProvisioningClient
from tenants.models.dazbox import SERVED_STATES, Dazbox, DazboxState


@dataclass(frozen=True, slots=True)
class Standing:
    """A box that has its schema, whether it is in service, and the version its access tokens must have."""

    tenant: TenantRef
    token_version: int
    is_active: bool


# In plain SQL: many requests begin with it, and Django would take longer to write the query than to ask it.
_STANDING = "SELECT id, schema_name, pubkey, token_version, state FROM tenants_dazbox WHERE id = %s AND state = ANY(%s)"
_standings: TtlCache[UUID, Standing] = TtlCache(max_entries=10_000)


def find_active_tenant(tenant_id: UUID) -> TenantRef | None:
    """The door key of a box, or None when it is not (or no longer) in service; true of the last 5 s."""
    standing = find_standing(tenant_id)
    return standing.tenant if standing and standing.is_active else None


def find_standing(tenant_id: UUID) -> Standing | None:
    """Kept for a moment in this process; that there is none is asked anew each time."""
    return _standings.find_or_load(tenant_id, lambda: _read_standing(tenant_id))


def forget_standing(tenant_id: UUID) -> None:
    """After a change of a box's state or token version: this process sees it at once, the others within 5 s."""
    _standings.forget(tenant_id)


def _read_standing(tenant_id: UUID) -> Standing | None:
    with leave_tenant(), connection.cursor() as cursor:
        cursor.execute(_STANDING, [tenant_id, list(SERVED_STATES)])
        row = cursor.fetchone()
    return Standing(TenantRef(*row[:3]), row[3], row[4] == DazboxState.ACTIVE) if row else None


def find_plan(tenant_id: UUID) -> Plan:
    """The plan of a box, as it is now."""
    with leave_tenant():
        return PLANS[Dazbox.objects.values_list("plan", flat=True).get(id=tenant_id)]


def was_seen(tenant_id: UUID, *, within: dt.timedelta) -> bool:
    """Whether the box itself has reported lately."""
    with leave_tenant():
        return bool(Dazbox.objects.filter(id=tenant_id, last_seen_at__gt=timezone.now() - within).exists())


def refer_to(dazbox: Dazbox) -> TenantRef:
    """The door key of a box we hold the row of."""
    return TenantRef(dazbox.id, dazbox.schema_name, dazbox.pubkey)


def list_dazboxes(*, after: str | None, limit: int, owner_id: UUID | None = None) -> list[Dazbox]:
    """Boxes (of one owner) in the order of their ids, from the one after `after` on: `limit` of them."""
    rows = Dazbox.objects.order_by("id")
    rows = rows.filter(owner_id=owner_id) if owner_id else rows
    return list((rows.filter(id__gt=UUID(after)) if after else rows)[:limit])


def list_share(number: int, *, of: int) -> list[TenantRef]:
    """Boxes with a schema, divided by their ids into `of` parts of about one size: those of part `number`, from 0."""
    first, last = (UUID(int=((number + end) << 128) // of - end) for end in (0, 1))
    rows = Dazbox.objects.filter(state__in=SERVED_STATES, id__range=(first, last))
    return [refer_to(row) for row in rows.only("id", "schema_name", "pubkey")]


def find_behind(revision: str) -> QuerySet[Dazbox]:
    """Boxes with a schema of another revision than this."""
    behind: QuerySet[Dazbox] = Dazbox.objects.filter(state__in=SERVED_STATES).exclude(schema_revision=revision)
    return behind


def list_claims(*, after: str | None, limit: int) -> list[Claim]:
    """Claims in the order of their ids, from the one after `after` on: `limit` of them."""
    rows = Claim.objects.order_by("id")
    return list((rows.filter(id__gt=UUID(after)) if after else rows)[:limit])


def check_client(client_id: str, client_secret: str) -> ProvisioningClient | None:
    """The provisioning client these credentials belong to; the same time is spent on an unknown id."""
    client = ProvisioningClient.objects.filter(client_id=client_id, is_active=True).first()
    expected = bytes(client.secret_digest) if client else bytes(32)
    given = hashlib.sha256(client_secret.encode()).digest()
    return client if hmac.compare_digest(expected, given) and client else None
