"""From the outbox to the owner: a message at a time, at the pace the channel bears. At least once, never lost."""

import datetime as dt
import uuid

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from mcp_saas.kit.metrics import note_delivery
from nodes.engine.credential import Service
from nodes.engine.notice import Event, count_message, find_next_moment, write_message
from nodes.models.notice import Notice, NoticeState
from nodes.notify.message import Delivery, Later, Refused, Sent
from nodes.notify.telegram.client import send_message
from nodes.notify.telegram.split import split_text
from nodes.pipeline.notify.outbox import KEPT
from nodes.selectors.action import explain_lines
from nodes.selectors.credential import read_credential
from nodes.selectors.node import read_own_node
from nodes.selectors.notice import read_notifications
from tenants.context import current_tenant

FEES = ("actions", "action_failed")
MAX_ATTEMPTS = 10
FIRST_RETRY_S = 15  # twice that after each further attempt
MAX_LINES = 500  # of one message


def deliver_next(now: dt.datetime) -> dt.datetime | None:
    """Sends one part of the oldest message that is due. Returns when to come again; None: nothing waits.

    1. which lines go together is written down  2. send, outside of any transaction  3. the outcome is written down.
    Killed between 2 and 3 the same part is sent again. Jobs of a box run one after the other.
    """
    Notice.objects.exclude(state=NoticeState.WAITING).filter(settled_at__lt=now - KEPT).delete()
    waiting = Notice.objects.filter(state=NoticeState.WAITING)
    due = waiting.order_by("due_at", "entry_id").first()
    if due is None:
        return None
    moment = max(due.due_at, find_next_moment(read_notifications().pace, now=now))
    if moment > now:
        return moment
    lines = _gather(waiting.filter(entry_id__lte=due.entry_id).order_by("entry_id")[0])
    parts = _write_parts(lines)
    done = min(lines[0].parts_sent, len(parts) - 1)
    _record(lines, _send(parts[done]), is_last=done + 1 >= len(parts))
    return timezone.now() if Notice.objects.filter(state=NoticeState.WAITING).exists() else None


@transaction.atomic
def _gather(oldest: Notice) -> list[Notice]:
    """The lines of a message stay the same from its first part on, and however often it is tried.

    In the journal's order: what happened before goes first, and a message ends where another event comes between. Fees
    written and fees refused are of one run, and do not part each other.
    """
    waiting = Notice.objects.filter(state=NoticeState.WAITING, channel=oldest.channel, event=oldest.event)
    if oldest.message is None:
        apart = Notice.objects.filter(state=NoticeState.WAITING, entry_id__gt=oldest.entry_id)
        apart = apart.exclude(event__in=FEES if oldest.event in FEES else (oldest.event,))
        end = apart.order_by("entry_id").values_list("entry_id", flat=True).first()
        free = waiting.filter(message=None, **({"entry_id__lt": end} if end else {}))
        ids = list(free.order_by("entry_id").values_list("id", flat=True)[:MAX_LINES])
        oldest.message = uuid.uuid4()
        Notice.objects.filter(id__in=ids).update(message=oldest.message)
    return list(waiting.filter(message=oldest.message).order_by("entry_id"))


def _write_parts(lines: list[Notice]) -> list[str]:
    state = read_own_node().state
    name = (state.alias if state else "") or current_tenant().pubkey[:16]
    event: Event = lines[0].event  # type: ignore[assignment]
    language = read_notifications().settings.language
    told = [row.line for row in lines]
    told = explain_lines(told, language=language) if event in FEES else told
    return split_text(write_message(event, told, node=name, language=language))


def _send(text: str) -> Delivery:
    access = read_credential(Service.TELEGRAM)
    if access is None or access.chat_id is None:
        return Refused("No credential of telegram is set")
    return send_message(settings.ENV.telegram_api_url, access.secret, chat_id=access.chat_id, text=text)


@transaction.atomic
def _record(lines: list[Notice], delivery: Delivery, *, is_last: bool) -> None:
    note_delivery(lines[0].channel, outcome=type(delivery).__name__.lower())
    now, row = timezone.now(), read_notifications()
    rows = Notice.objects.filter(id__in=[line.id for line in lines])
    match delivery:
        case Sent():
            row.pace = count_message(row.pace, at=now)
            done = {"state": NoticeState.SENT, "settled_at": now} if is_last else {}
            rows.update(parts_sent=lines[0].parts_sent + 1, error="", **done)
        case Refused(reason):
            rows.update(state=NoticeState.PARKED, settled_at=now, error=reason[:200])
        case Later(reason, after_s):
            attempts = lines[0].attempts + (after_s is None)  # told to wait is no failure
            pause_s = FIRST_RETRY_S * 2 ** min(attempts, 8) if after_s is None else after_s
            row.pace = type(row.pace)(sent_at=row.pace.sent_at, not_before=now + dt.timedelta(seconds=pause_s))
            is_over = attempts >= MAX_ATTEMPTS
            done = {"state": NoticeState.PARKED, "settled_at": now} if is_over else {}
            rows.update(attempts=attempts, error=reason[:200], **done)
    row.save()
