"""The outbox: what the journal says and the owner wants to hear waits here, written in the journal's transaction."""

import datetime as dt

from django.dispatch import receiver

from nodes.engine.credential import Service
from nodes.engine.notice import NoticeLine, NotifySettings, name_event
from nodes.models.credential import Credential
from nodes.models.journal import JournalEntry
from nodes.models.notice import Notice, NoticeState, Notifications
from nodes.selectors.notice import read_notifications
from tenants.context import TenantRef, current_tenant, enter_tenant
from tenants.events import owner_changes
from tenants.queue import queue_job

TASK = "nodes.tasks.deliver_notices"
CHANNEL = "telegram"
GATHERED = {"actions": 60, "action_failed": 60, "rollback": 20}  # seconds in which lines of an event come together
MAX_WAITING = 1000  # more are left to the journal
KEPT = dt.timedelta(days=30)


def queue_notice(entry: JournalEntry) -> None:
    """In the transaction of the journal's line: both are there, or neither. No network."""
    event = name_event(entry.kind, entry.detail.facts)
    if event is None or not Credential.objects.filter(service=Service.TELEGRAM).exists():
        return
    if event not in read_notifications().settings.events:
        return
    waiting = Notice.objects.filter(state=NoticeState.WAITING)
    if waiting.count() >= MAX_WAITING:
        return
    due_at = entry.at + dt.timedelta(seconds=GATHERED.get(event, 0))
    if not waiting.filter(event=event, message=None, due_at__gt=entry.at).exists():
        queue_job(current_tenant().id, TASK, args=[], due_at=due_at)  # else the job of the first line takes this along
    line = NoticeLine(kind=entry.kind, text=entry.detail.text, facts=entry.detail.facts)
    Notice.objects.create(
        channel=CHANNEL, entry_id=entry.id, event=event, created_at=entry.at, due_at=due_at, line=line
    )


def store_settings(settings: NotifySettings) -> Notifications:
    """From the next line of the journal on."""
    row = read_notifications()
    row.settings = settings
    row.save()
    return row


@receiver(owner_changes, dispatch_uid="notices")
def forget_notices(*, tenant: TenantRef, **_: object) -> None:
    """They are for the owner before."""
    with enter_tenant(tenant):
        Notice.objects.all().delete()
        Notifications.objects.all().delete()
