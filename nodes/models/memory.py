"""What strategies remember of this node, its peers and its channels, from one run to the next."""

from django.db import models
from msgspec import Struct

from nodes.engine.memory import ChannelMemories, NodeMemories, PeerMemories
from tenants.sealing.payload import PayloadField, SealedModel
from tenants.sealing.tenant import current_keys


class Scope(models.TextChoices):
    NODE = "node"
    PEER = "peer"
    CHANNEL = "channel"


class Remembered(Struct, frozen=True, kw_only=True):
    """`subject`: the peer's pubkey, the channel's short_channel_id, or nothing. Only its scope's memories are there."""

    subject: str = ""
    node: NodeMemories = {}
    peer: PeerMemories = {}
    channel: ChannelMemories = {}


class StrategyMemory(SealedModel):
    digest = models.BinaryField(max_length=32, help_text="keyed, of scope and subject")
    scope = models.CharField(max_length=8, choices=Scope.choices)
    kept_at = models.DateTimeField(help_text="of the run that wrote it last")
    remembered: PayloadField[Remembered] = PayloadField(Remembered)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["digest"], name="strategy_memory_once"),
            models.CheckConstraint(condition=models.Q(scope__in=Scope.values), name="strategy_memory_scope_known"),
        )

    def __str__(self) -> str:
        return f"memory of a {self.scope}"

    def name_row(self) -> str:
        return bytes(self.digest).hex()


def digest_subject(scope: str, subject: str) -> bytes:
    """By which the database tells memories apart without knowing whose they are."""
    return current_keys().digest("memory", f"{scope}/{subject}".encode())
