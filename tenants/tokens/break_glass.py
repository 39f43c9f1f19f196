"""Break-glass: an operator reads one box, for a reason, for a while, and its owner sees all of it.

Operators see no data of a box by themselves. The leave is bound to the sign-in it was taken in (the `jti` of an access
token, or a session of the admin) and good for reading only; taking it, each reading and its end are entries of the
box's own hash-chained journal.
"""

import datetime as dt
import hashlib

from django.db import transaction
from django.utils import timezone

from tenants.events import record_event
from tenants.models.break_glass import BreakGlass
from tenants.models.dazbox import SERVED_STATES, Dazbox
from tenants.selectors import refer_to

MAX_DURATION = dt.timedelta(hours=1)
KIND = "break-glass"


@transaction.atomic
def break_glass(dazbox: Dazbox, *, operator: str, session: str, reason: str, duration: dt.timedelta) -> BreakGlass:
    """`duration`: up to MAX_DURATION. One who has leave already gets it anew, with the new reason and end."""
    now = timezone.now()
    _close(dazbox, session, now=now)
    leave = BreakGlass.objects.create(
        dazbox=dazbox,
        operator=operator,
        session_digest=_digest(session),
        opened_at=now,
        expires_at=now + min(duration, MAX_DURATION),
    )
    text = f"An operator may read this box until {leave.expires_at:%Y-%m-%d %H:%M} UTC: {reason}"
    record_event(
        refer_to(dazbox), KIND, text=text, actor=operator, reason=reason, expires_at=leave.expires_at.isoformat()
    )
    return leave


def find_leave(pubkey: str, *, session: str) -> BreakGlass | None:
    """What this sign-in may read of the box with this pubkey now."""
    now = timezone.now()
    live = BreakGlass.objects.filter(session_digest=_digest(session), closed_at=None, expires_at__gt=now)
    leaves = live.filter(dazbox__state__in=SERVED_STATES).select_related("dazbox")
    return next((leave for leave in leaves if leave.dazbox.pubkey == pubkey), None)


def note_reading(leave: BreakGlass, *, what: str) -> None:
    """Before it is answered: what cannot be noted is not read."""
    text = f"An operator read {what}"
    record_event(refer_to(leave.dazbox), KIND, text=text, actor=leave.operator, leave=str(leave.id))


@transaction.atomic
def close_glass(dazbox: Dazbox, *, operator: str, session: str) -> None:
    """Before its time. Without leave nothing happens."""
    if _close(dazbox, session, now=timezone.now()):
        record_event(refer_to(dazbox), KIND, text="The operator is done reading", actor=operator)


def _close(dazbox: Dazbox, session: str, *, now: dt.datetime) -> int:
    live = BreakGlass.objects.filter(dazbox=dazbox, session_digest=_digest(session), closed_at=None, expires_at__gt=now)
    return live.update(closed_at=now)


def _digest(session: str) -> bytes:
    return hashlib.sha256(session.encode()).digest()
