"""Of which boxes gateways must refuse tokens that are still valid by their time."""

import datetime as dt
from uuid import UUID

from django.db.models import Q

from tenants.context import leave_tenant
from tenants.models.dazbox import Dazbox, DazboxState

TOKEN_LIFE = dt.timedelta(minutes=20)  # an access token lives for 15, and clocks differ
_ENDED = (DazboxState.DELETING, DazboxState.DELETED)


def list_closed(now: dt.datetime) -> tuple[UUID, ...]:
    """Boxes out of service that may sign in, and those whose end is no longer ago than a token lives."""
    may_have_tokens = ~Q(state__in=_ENDED) | Q(state_since__gt=now - TOKEN_LIFE)
    with leave_tenant():
        rows = Dazbox.objects.exclude(state=DazboxState.ACTIVE).filter(may_have_tokens)
        return tuple(rows.order_by("id").values_list("id", flat=True))


def list_token_versions(now: dt.datetime) -> dict[UUID, int]:
    """Of boxes that were signed out no longer ago than a token lives: the version tokens must have."""
    with leave_tenant():
        rows = Dazbox.objects.filter(token_version_since__gt=now - TOKEN_LIFE)
        return dict(rows.order_by("id").values_list("id", "token_version"))
