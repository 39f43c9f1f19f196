"""API keys: `dz_live_<8 hex>_<43 base64url><8 hex CRC-32>`. The prefix finds one, the digest proves it.

The check sum tells a mistyped or made-up key from a real one without a look at the database, and lets secret scanners
be sure of what they found.
"""

import datetime as dt
import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from mcp_saas.api.auth import Principal
from mcp_saas.kit.errors import Problem
from mcp_saas.kit.ttl_cache import TtlCache
from tenants.context import leave_tenant
from tenants.models.api_key import ApiKey
from tenants.models.dazbox import Dazbox

START = "dz_live_"
SUBJECT = "api-key:"
PREFIX_LENGTH = len(START) + 8
MAX_LIVE_OF_NAME = 2  # the one in use and its successor
MAX_LIVE_OF_BOX = 50
USE_GRAIN = dt.timedelta(minutes=1)
CACHE_ENTRIES = 10_000
_FORM = re.compile(r"dz_live_[0-9a-f]{8}_[A-Za-z0-9_-]{43}[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class NewApiKey:
    row: ApiKey
    key: str  # shown once


@dataclass(frozen=True, slots=True)
class ApiKeyGrant:
    principal: Principal
    expires_at: dt.datetime


_verified: TtlCache[bytes, ApiKeyGrant] = TtlCache(max_entries=CACHE_ENTRIES)


def create_api_key(
    tenant_id: UUID, *, name: str, scopes: list[str], lifetime: dt.timedelta, created_by: str
) -> NewApiKey:
    """Raises Problem 409 beyond two live keys of one name (or fifty of a box)."""
    key = _make_key()
    now = timezone.now()
    row = ApiKey(
        dazbox_id=tenant_id,
        name=name,
        prefix=key[:PREFIX_LENGTH],
        digest=_digest(key),
        scope=" ".join(scopes),
        created_by=created_by,
        expires_at=now + lifetime,
    )
    with leave_tenant(), transaction.atomic():
        Dazbox.objects.select_for_update(no_key=True).get(id=tenant_id)  # two who create at once count one by one
        _check_room(tenant_id, name, now=now)
        row.save(force_insert=True)
    return NewApiKey(row, key)


def list_api_keys(tenant_id: UUID, *, after: str | None, limit: int) -> list[ApiKey]:
    """Keys of a box in the order of their ids, the revoked and the expired among them."""
    rows = ApiKey.objects.filter(dazbox_id=tenant_id).order_by("id")
    with leave_tenant():
        return list((rows.filter(id__gt=UUID(after)) if after else rows)[:limit])


def revoke_api_key(tenant_id: UUID, key_id: UUID) -> bool:
    """Refused at once here and within 5 s everywhere. False when the box has no such key; again is no error."""
    with leave_tenant():
        row = ApiKey.objects.filter(dazbox_id=tenant_id, id=key_id).first()
        if row is None:
            return False
        ApiKey.objects.filter(id=key_id, revoked_at=None).update(revoked_at=timezone.now())
    _verified.forget(bytes(row.digest))
    return True


def revoke_api_keys(tenant_id: UUID) -> None:
    """All of a box."""
    with leave_tenant():
        live = ApiKey.objects.filter(dazbox_id=tenant_id, revoked_at=None)
        digests = [bytes(digest) for digest in live.values_list("digest", flat=True)]
        live.update(revoked_at=timezone.now())
    for digest in digests:
        _verified.forget(digest)


def verify_api_key(key: str) -> Principal | None:
    """The bearer of a live key; None for any other. What was verified in the last 4 s is not asked for again."""
    if not _FORM.fullmatch(key) or not hmac.compare_digest(_checksum(key[:-8]), key[-8:]):
        return None
    digest = _digest(key)
    grant = _verified.find_or_load(digest, lambda: _look_up(key[:PREFIX_LENGTH], digest))
    return grant.principal if grant and timezone.now() < grant.expires_at else None


def is_api_key(principal: Principal) -> bool:
    """Whether it bears the key itself, and no token made of one."""
    return principal.subject.startswith(SUBJECT) and not principal.session


def _look_up(prefix: str, digest: bytes) -> ApiKeyGrant | None:
    now = timezone.now()
    row = ApiKey.objects.filter(prefix=prefix, revoked_at=None, expires_at__gt=now).first()
    if not hmac.compare_digest(bytes(row.digest) if row else bytes(32), digest) or row is None:
        return None
    if row.last_used_at is None or now - row.last_used_at >= USE_GRAIN:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_GRAIN)
        ApiKey.objects.filter(stale, id=row.id).update(last_used_at=now.replace(second=0, microsecond=0))
    principal = Principal(f"{SUBJECT}{row.id}", frozenset(row.scope.split()), row.dazbox_id)
    return ApiKeyGrant(principal, row.expires_at)


def _check_room(tenant_id: UUID, name: str, *, now: dt.datetime) -> None:
    names = list(
        ApiKey.objects.filter(dazbox_id=tenant_id, revoked_at=None, expires_at__gt=now).values_list("name", flat=True)
    )
    if names.count(name) >= MAX_LIVE_OF_NAME or len(names) >= MAX_LIVE_OF_BOX:
        raise Problem(
            409,
            "too-many-keys",
            "Too many live keys",
            detail=f"At most {MAX_LIVE_OF_NAME} of a name and {MAX_LIVE_OF_BOX} in all: revoke one first.",
        )


def _make_key() -> str:
    stem = f"{START}{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"
    return stem + _checksum(stem)


def _checksum(stem: str) -> str:
    return f"{zlib.crc32(stem.encode()):08x}"


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
