"""Questions about boxes, claims and clients."""

import hashlib
import hmac
from uuid import UUID

from django.contrib.auth import authenticate
from django.contrib.auth.models import User

from tenants.context import TenantRef
from tenants.models.client import ProvisioningClient
from tenants.models.dazbox import Dazbox, DazboxState


def find_active_tenant(tenant_id: UUID) -> TenantRef | None:
    """The door key of a box, or None when it is not (or no longer) in service."""
    row = (
        Dazbox.objects.filter(id=tenant_id, state=DazboxState.ACTIVE).values_list("id", "schema_name", "pubkey").first()
    )
    return TenantRef(*row) if row else None


def refer_to(dazbox: Dazbox) -> TenantRef:
    """The door key of a box we hold the row of."""
    return TenantRef(dazbox.id, dazbox.schema_name, dazbox.pubkey)


def list_dazboxes(*, after: str | None, limit: int) -> list[Dazbox]:
    """Boxes in the order of their ids, from the one after `after` on: `limit` of them."""
    rows = Dazbox.objects.order_by("id")
    return list((rows.filter(id__gt=UUID(after)) if after else rows)[:limit])


def check_client(client_id: str, client_secret: str) -> ProvisioningClient | None:
    """The provisioning client these credentials belong to; the same time is spent on an unknown id."""
    client = ProvisioningClient.objects.filter(client_id=client_id, is_active=True).first()
    expected = bytes(client.secret_digest) if client else bytes(32)
    given = hashlib.sha256(client_secret.encode()).digest()
    return client if hmac.compare_digest(expected, given) and client else None


def check_operator(username: str, password: str) -> User | None:
    """A member of staff; None for anybody else."""
    user = authenticate(username=username, password=password)
    return user if isinstance(user, User) and user.is_staff else None
