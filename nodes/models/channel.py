"""The channels as the last snapshot showed them."""

from django.db import models

from nodes.engine.policy_change import PolicyChange
from nodes.engine.report import ChannelState
from tenants.sealing.payload import PayloadField, SealedModel
from tenants.sealing.tenant import current_keys


class Channel(SealedModel):
    digest = models.BinaryField(max_length=32, help_text="`digest_channel` of its short_channel_id")
    first_seen_at = models.DateTimeField()
    last_seq = models.BigIntegerField(help_text="of the last snapshot that listed it")
    closed_at = models.DateTimeField(null=True, help_text="when a snapshot no longer listed it")
    state: PayloadField[ChannelState] = PayloadField(ChannelState)
    changes: PayloadField[list[PolicyChange]] = PayloadField(list[PolicyChange])

    class Meta:
        constraints = (models.UniqueConstraint(fields=["digest"], name="channel_once"),)

    def __str__(self) -> str:
        return f"channel {self.id}"

    def name_row(self) -> str:
        return bytes(self.digest).hex()


def digest_channel(short_channel_id: str) -> bytes:
    """By which the database tells channels apart without knowing them: keyed, of the tenant we are in."""
    return current_keys().digest("channel", short_channel_id.encode())
