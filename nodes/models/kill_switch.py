"""The owner's kill switches: one for the node, one a channel. A row is a switch that is on."""

from django.db import models
from msgspec import Struct

from tenants.sealing.payload import PayloadField, SealedModel

WHOLE_NODE = b""


class SwitchDetail(Struct, frozen=True):
    """Why it is on, and of which channel; None: of all."""

    reason: str
    short_channel_id: str | None


class KillSwitch(SealedModel):
    channel_digest = models.BinaryField(
        max_length=32, primary_key=True, help_text="the digest of its channel; empty: the whole node"
    )
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=128)
    detail: PayloadField[SwitchDetail] = PayloadField(SwitchDetail)

    def __str__(self) -> str:
        return "kill switch"

    def name_row(self) -> str:
        return bytes(self.channel_digest).hex() or "node"
