"""The channels as the last snapshot showed them."""

from django.db import models

from nodes.engine.types import ChannelState
from nodes.models.payload import PayloadField


class Channel(models.Model):
    short_channel_id = models.CharField(max_length=24)
    first_seen_at = models.DateTimeField()
    last_seq = models.BigIntegerField(help_text="of the last snapshot that listed it")
    closed_at = models.DateTimeField(null=True, help_text="when a snapshot no longer listed it")
    fee_changed_at = models.DateTimeField(null=True, help_text="when a snapshot first showed the present fee")
    state: PayloadField[ChannelState] = PayloadField(ChannelState)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["short_channel_id"], name="channel_scid_once"),)

    def __str__(self) -> str:
        return self.short_channel_id
