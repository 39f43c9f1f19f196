"""What no sign-in can need any more is deleted in small bites: nothing grows for ever, no delete locks for long."""

import datetime as dt

from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from tenants.models.api_key import ApiKey
from tenants.models.device_authorization import DeviceAuthorization
from tenants.models.operator_factor import FailedSignIn
from tenants.models.refresh_token import RefreshToken, SpentAssertion
from tenants.tokens.operator import WINDOW
from tenants.tokens.refresh import LIFETIME

SPENT_KEPT = dt.timedelta(days=7)  # for so long the reuse of a spent refresh token ends its family; later it is unknown
DEAD_KEYS_KEPT = dt.timedelta(days=90)  # for so long its owner sees a dead API key in the list
BITE, MAX_BITES = 1000, 20


def purge_tokens(*, bite: int = BITE, max_bites: int = MAX_BITES) -> int:
    """Returns how many rows went: at most `bite * max_bites` of each kind, the rest at the next call."""
    now = timezone.now()
    long_ago = now - SPENT_KEPT
    spent = Q(expires_at__lt=now) | Q(used_at__lt=long_ago) | Q(revoked_at__lt=long_ago)
    dead = Q(expires_at__lt=now - DEAD_KEYS_KEPT) | Q(revoked_at__lt=now - DEAD_KEYS_KEPT)
    kinds: list[QuerySet[Model]] = [
        RefreshToken.objects.filter(spent, expires_at__lt=long_ago + LIFETIME),  # the index's share of `spent`
        SpentAssertion.objects.filter(expires_at__lt=now),
        DeviceAuthorization.objects.filter(expires_at__lt=now),
        FailedSignIn.objects.filter(attempted_at__lt=now - WINDOW),
        ApiKey.objects.filter(dead),
    ]
    return sum(_delete_bites(rows, bite=bite, max_bites=max_bites) for rows in kinds)


def _delete_bites(rows: QuerySet[Model], *, bite: int, max_bites: int) -> int:
    deleted = 0
    for _ in range(max_bites):
        keys = list(rows.values_list("pk", flat=True)[:bite])
        deleted += rows.model._default_manager.filter(pk__in=keys).delete()[0]  # noqa: SLF001 - Django's documented name
        if len(keys) < bite:
            break
    return deleted
