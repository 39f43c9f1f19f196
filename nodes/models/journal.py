"""What happened to this node, in order."""

from django.db import models
from msgspec import Struct

from nodes.models.payload import PayloadField

Detail = str | int | float | bool | None


class JournalDetail(Struct, frozen=True):
    """One sentence for people, and the facts behind it."""

    text: str
    facts: dict[str, Detail]


class JournalEntry(models.Model):
    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=32)
    detail: PayloadField[JournalDetail] = PayloadField(JournalDetail)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.kind}"
