"""Operators sign in with password and one-time code, five attempts in a quarter of an hour."""

import datetime as dt
import hashlib

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.db.models import Min
from django.utils import timezone

from mcp_saas.kit.crypto import SealBrokenError
from mcp_saas.kit.errors import Problem
from tenants.models.operator_factor import FailedSignIn, OperatorFactor
from tenants.tokens.totp import accept_code

MAX_FAILURES = 5
WINDOW = dt.timedelta(minutes=15)


def sign_in_operator(username: str, password: str, *, otp: str | None) -> User | None:
    """1. take one of the attempts  2. password  3. one-time code  4. give the attempts back.

    None for anybody but a member of staff with both. Raises Problem 429 when the attempts under this name are used up,
    whether there is such a name or not.
    """
    digest = hashlib.sha256(username.encode()).digest()
    _take_attempt(digest)
    user = authenticate(username=username, password=password)
    if not isinstance(user, User) or not user.is_staff or not _accept_second_factor(user, otp):
        return None
    FailedSignIn.objects.filter(name_digest=digest).delete()
    return user


def _take_attempt(digest: bytes) -> None:
    """Written before it is counted, so that of many at once no more than five go on. One too many leaves no trace."""
    now = timezone.now()
    attempt = FailedSignIn.objects.create(name_digest=digest, attempted_at=now)
    recent = FailedSignIn.objects.filter(name_digest=digest, attempted_at__gt=now - WINDOW)
    if recent.count() <= MAX_FAILURES:
        return
    attempt.delete()
    oldest = recent.aggregate(oldest=Min("attempted_at"))["oldest"] or now
    problem = Problem(
        429,
        "locked-out",
        "Too many failed attempts",
        detail=f"Wait up to {WINDOW.seconds // 60} minutes, then try again.",
    )
    problem.headers["Retry-After"] = str(max(1, int((oldest + WINDOW - now).total_seconds()) + 1))
    raise problem


def _accept_second_factor(user: User, otp: str | None) -> bool:
    factor = OperatorFactor.objects.filter(user=user).first()
    if factor is None:
        return not settings.ENV.is_operator_totp_required
    try:
        return otp is not None and accept_code(factor, otp)
    except SealBrokenError:  # its secret went with an old SECRET_KEY: as good as a wrong code
        return False
