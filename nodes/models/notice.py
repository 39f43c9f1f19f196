"""Messages to the owner: what is wanted, and the outbox, written with the journal's line in one transaction."""

import uuid

from django.db import models

from nodes.engine.notice import NoticeLine, NotifySettings, Pace
from tenants.sealing.payload import PayloadField, SealedModel


class NoticeState(models.TextChoices):
    WAITING = "waiting"
    SENT = "sent"
    PARKED = "parked"  # it cannot be delivered; `error` says why


class Notifications(SealedModel):
    """One row: the owner's wishes, and the pace of their chat."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    settings: PayloadField[NotifySettings] = PayloadField(NotifySettings)
    pace: PayloadField[Pace] = PayloadField(Pace)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="notifications_alone"),)

    def __str__(self) -> str:
        return "notifications"


class Notice(SealedModel):
    """One line of one channel's messages. Lines of a `message` go together, in as many parts as that takes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    channel = models.CharField(max_length=16, help_text="telegram; others may follow")
    entry_id = models.BigIntegerField(help_text="the journal's entry: each is told once a channel")
    event = models.CharField(max_length=16)
    state = models.CharField(max_length=8, choices=NoticeState.choices, default=NoticeState.WAITING)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="until then others of its event may join it")
    message = models.UUIDField(null=True, help_text="the message it goes in")
    parts_sent = models.IntegerField(default=0)
    attempts = models.IntegerField(default=0)
    settled_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True)
    line: PayloadField[NoticeLine] = PayloadField(NoticeLine)

    class Meta:
        indexes = (models.Index(fields=["state", "due_at"], name="notice_waiting"),)
        constraints = (
            models.UniqueConstraint(fields=["channel", "entry_id"], name="notice_once"),
            models.CheckConstraint(condition=models.Q(state__in=NoticeState.values), name="notice_state_known"),
        )

    def __str__(self) -> str:
        return f"{self.state} notice {self.id}"
