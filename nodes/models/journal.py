"""What happened to this node, in order."""

from django.db import models
from msgspec import Struct

from tenants.sealing.payload import PayloadField, SealedModel

Detail = str | int | float | bool | None


class JournalDetail(Struct, frozen=True):
    """One sentence for people, and the facts behind it."""

    text: str
    facts: dict[str, Detail]


class JournalEntry(SealedModel):
    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=32)
    detail: PayloadField[JournalDetail] = PayloadField(JournalDetail)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.kind}"

    def name_row(self) -> str:
        return f"{self.at.timestamp()} {self.kind}"  # the id comes with the row; the chain holds both together


class JournalLink(models.Model):
    """One link of the journal's hash chain: the entry's own hash, and this link's over its number and the one before.

    Both are HMAC-SHA-256 with the box's key for digests.
    """

    seq = models.BigIntegerField(primary_key=True)
    entry_id = models.BigIntegerField()
    content_hash = models.BinaryField(max_length=32)
    link_hash = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"{self.seq} {bytes(self.link_hash).hex()[:16]}"


class JournalHead(models.Model):
    """Where the chain ends: one row, locked by whoever adds to it. `seal`: HMAC-SHA-256 over both, empty at first."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    seq = models.BigIntegerField(default=0)
    link_hash = models.BinaryField(max_length=32, default=bytes(32))
    seal = models.BinaryField(max_length=32, default=b"")

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="journal_head_alone"),)

    def __str__(self) -> str:
        return str(self.seq)
