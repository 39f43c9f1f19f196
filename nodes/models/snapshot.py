"""What the box reported, as it reported it."""

from django.db import models

from nodes.engine.report import NodeSnapshot
from tenants.sealing.payload import PayloadField, SealedModel


class Snapshot(SealedModel):
    seq = models.BigIntegerField(primary_key=True)
    taken_at = models.DateTimeField()
    received_at = models.DateTimeField(auto_now_add=True)
    digest = models.BinaryField(max_length=32, help_text="keyed, of the content: the same seq must say the same")
    content: PayloadField[NodeSnapshot] = PayloadField(NodeSnapshot)

    def __str__(self) -> str:
        return f"snapshot {self.seq}"
