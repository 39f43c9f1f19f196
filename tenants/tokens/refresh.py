"""Refresh tokens: rotated atomically, one winner, with a short grace for a lost answer.

The successor is derived from its parent (HMAC with our secret), so a repeat within the grace gets the very same one
without our ever storing it. Reuse after the grace means the token leaked: the whole family is revoked (RFC 9700, 4.14).
"""

import base64
import datetime as dt
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from mcp_saas.kit.errors import Problem
from tenants.context import leave_tenant
from tenants.events import announce_standing_change
from tenants.models.dazbox import Dazbox
from tenants.models.device_key import DeviceKey
from tenants.models.refresh_token import RefreshToken
from tenants.selectors import forget_standing
from tenants.tokens.access import LIFETIME as ACCESS_LIFETIME
from tenants.tokens.access import mint_access_token

LIFETIME = dt.timedelta(days=30)
GRACE = dt.timedelta(seconds=30)
PREFIX = "dzr_"


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str
    expires_in: int = int(ACCESS_LIFETIME.total_seconds())


def issue_tokens(*, subject: str, scope: str, dazbox: Dazbox | None, device_key: DeviceKey | None = None) -> TokenPair:
    """A new family: an access token and the refresh token that goes on from it, as long as `device_key` lives."""
    raw = PREFIX + secrets.token_urlsafe(32)
    row = RefreshToken(family=uuid4(), subject=subject, scope=scope, dazbox=dazbox, device_key=device_key)
    return _store_and_mint(row, raw)


def rotate_refresh(raw: str) -> TokenPair:
    """Exchanges a refresh token for its one successor. Raises Problem 401."""
    now = timezone.now()
    digest = _digest(raw)
    with transaction.atomic():
        won = RefreshToken.objects.filter(digest=digest, used_at=None, revoked_at=None, expires_at__gt=now).update(
            used_at=now
        )
        row = RefreshToken.objects.select_related("dazbox", "device_key").filter(digest=digest).first()
        if row is None or (row.device_key is not None and not row.device_key.is_live(now)):
            raise _refuse()
        if won:
            return _store_and_mint(_succeed(row), _derive_successor(raw))
    if row.used_at and now - row.used_at <= GRACE and row.revoked_at is None:
        return _mint(row, _derive_successor(raw))
    if row.used_at:
        revoke_family(row.family)
    raise _refuse()


def revoke_refresh(raw: str) -> None:
    """Ends the family of a refresh token. An unknown one is no error: RFC 7009."""
    row = RefreshToken.objects.filter(digest=_digest(raw)).first()
    if row is not None:
        revoke_family(row.family)


@transaction.atomic
def revoke_access(tenant_id: UUID) -> None:
    """Signs a box out: its refresh tokens are refused at once, its access tokens within 5 s everywhere.

    The new version is to be seen when the refresh tokens have ended, else one of them would still get it.
    """
    with leave_tenant():
        Dazbox.objects.filter(id=tenant_id).update(
            token_version=F("token_version") + 1, token_version_since=timezone.now()
        )
        _revoke_all(RefreshToken.objects.filter(dazbox_id=tenant_id))
    forget_standing(tenant_id)
    transaction.on_commit(lambda: forget_standing(tenant_id))  # what another request has read meanwhile
    announce_standing_change(tenant_id)


def revoke_family(family: UUID) -> None:
    _revoke_all(RefreshToken.objects.filter(family=family))


def _revoke_all(tokens: QuerySet[RefreshToken]) -> None:
    """Until none is left: a rotation under way may add one that the first look could not see."""
    while _revoke(tokens.filter(revoked_at=None)):
        pass


def _revoke(tokens: QuerySet[RefreshToken]) -> int:
    """Locked in one order, so that two who revoke at once do not wait for each other."""
    with transaction.atomic():
        digests = list(tokens.select_for_update().order_by("digest").values_list("digest", flat=True))
        return RefreshToken.objects.filter(digest__in=digests).update(revoked_at=timezone.now())


def _succeed(row: RefreshToken) -> RefreshToken:
    return RefreshToken(
        family=row.family, subject=row.subject, scope=row.scope, dazbox=row.dazbox, device_key=row.device_key
    )


def _store_and_mint(row: RefreshToken, raw: str) -> TokenPair:
    row.digest = _digest(raw)
    row.expires_at = timezone.now() + LIFETIME
    row.save(force_insert=True)
    return _mint(row, raw)


def _mint(row: RefreshToken, raw: str) -> TokenPair:
    scopes = row.scope.split()
    version = row.dazbox.token_version if row.dazbox else 0
    access = mint_access_token(
        subject=row.subject,
        scopes=scopes,  # they are stored as words
        tenant_id=row.dazbox_id,
        token_version=version,
    )
    return TokenPair(access, raw)


def _digest(raw: str) -> bytes:
    return hashlib.sha256(raw.encode()).digest()


def _derive_successor(raw: str) -> str:
    key = settings.SECRET_KEY.encode()
    successor = hmac.digest(key, b"refresh-successor:" + raw.encode(), "sha256")
    return PREFIX + base64.urlsafe_b64encode(successor).rstrip(b"=").decode()


def _refuse() -> Problem:
    return Problem(
        401, "invalid-refresh", "Sign in again", detail="The refresh token is unknown, expired or already used."
    )
