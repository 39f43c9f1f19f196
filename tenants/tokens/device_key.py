"""Keys of a box change without a gap: the new one is added, both sign in for a while, the old one ends."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Least
from django.utils import timezone

from mcp_saas.kit.errors import Problem, not_found
from tenants.events import record_event
from tenants.keys import thumbprint
from tenants.models.dazbox import Dazbox
from tenants.models.device_key import DeviceKey
from tenants.selectors import refer_to
from tenants.tokens.refresh import revoke_access

MAX_LIVE = 2
OVERLAP = dt.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class AddedKey:
    row: DeviceKey
    is_new: bool


def kid_of(x: str) -> str:
    """The thumbprint of an Ed25519 public key (base64url)."""
    return thumbprint({"kty": "OKP", "crv": "Ed25519", "x": x})


def create_device_key(dazbox: Dazbox, x: str) -> DeviceKey:
    """Of a box that has no live one, or a successor. Raises Problem 409 for a key it had before."""
    if DeviceKey.objects.filter(dazbox=dazbox, kid=kid_of(x)).exists():
        raise Problem(409, "key-ended", "This key has ended", detail="A key is good once: make a new one.")
    row: DeviceKey = DeviceKey.objects.create(dazbox=dazbox, kid=kid_of(x), x=x)
    return row


@transaction.atomic
def add_device_key(dazbox_id: UUID, x: str, *, actor: str) -> AddedKey:
    """The successor of the box's key, which signs in for at most 24 hours more. The same one again changes nothing.

    Raises Problem 409 while two are alive, and for a key that has ended.
    """
    dazbox, live = _lock_keys(dazbox_id)
    known = next((key for key in live if key.kid == kid_of(x)), None)
    if known is not None:
        return AddedKey(known, is_new=False)
    if len(live) >= MAX_LIVE:
        raise Problem(409, "too-many-keys", "Too many live keys", detail="Two of a box at most: revoke one first.")
    limit = timezone.now() + OVERLAP
    ends_at = Least(Coalesce(F("expires_at"), limit), limit)
    DeviceKey.objects.filter(id__in=[key.id for key in live]).update(expires_at=ends_at)
    row = create_device_key(dazbox, x)
    record_event(refer_to(dazbox), "device-key", text="A key was added", kid=row.kid, actor=actor)
    return AddedKey(row, is_new=True)


@transaction.atomic
def revoke_device_key(dazbox_id: UUID, kid: str, *, actor: str) -> None:
    """It signs in no more, and every token of the box is refused within 5 s: its other key signs in anew.

    Again is no error. Raises Problem 404, and 409 for the last live key, without which nobody could come back.
    """
    dazbox, live = _lock_keys(dazbox_id)
    key = next((key for key in list_device_keys(dazbox_id) if key.kid == kid), None)
    if key is None:
        raise not_found("The Dazbox has no such key.")
    if key not in live:
        return
    if len(live) == 1:
        raise Problem(409, "last-key", "This is its last key", detail="Add the new key first, or transfer the Dazbox.")
    end_device_keys(dazbox, [key])
    successors = [other.id for other in live if other != key]
    DeviceKey.objects.filter(id__in=successors).update(expires_at=None)  # it was to end when `key` had taken over
    record_event(refer_to(dazbox), "device-key", text="A key was revoked", kid=kid, actor=actor)


def end_device_keys(dazbox: Dazbox, keys: list[DeviceKey]) -> None:
    """They sign in no more; tokens of the box are refused within 5 s everywhere."""
    DeviceKey.objects.filter(id__in=[key.id for key in keys]).update(revoked_at=timezone.now())
    revoke_access(dazbox.id)


def list_device_keys(dazbox_id: UUID) -> list[DeviceKey]:
    """Keys of a box, the oldest first, those that have ended among them."""
    return list(DeviceKey.objects.filter(dazbox_id=dazbox_id).order_by("id"))


def find_live_keys(dazbox_id: UUID) -> list[DeviceKey]:
    now = timezone.now()
    return [key for key in list_device_keys(dazbox_id) if key.is_live(now)]


def _lock_keys(dazbox_id: UUID) -> tuple[Dazbox, list[DeviceKey]]:
    """The box, for those who change its keys one after the other, and its live keys."""
    dazbox: Dazbox = Dazbox.objects.select_for_update(no_key=True).get(id=dazbox_id)
    return dazbox, find_live_keys(dazbox_id)
