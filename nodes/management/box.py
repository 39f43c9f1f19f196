"""The box a command is about, by its id or its node's public key."""

from uuid import UUID

from django.core.management.base import CommandError

from tenants.context import TenantRef
from tenants.models.dazbox import SERVED_STATES, Dazbox
from tenants.selectors import refer_to


def find_box(name: str) -> TenantRef:
    """Raises CommandError, saying how to find one."""
    rows = Dazbox.objects.filter(state__in=SERVED_STATES)
    try:
        dazbox = rows.filter(id=UUID(name)).first()
    except ValueError:
        dazbox = rows.filter(pubkey=name.lower()).first()
    if dazbox is None:
        raise CommandError(f"No box with data has the id or public key {name!r}: the admin lists them")
    return refer_to(dazbox)
