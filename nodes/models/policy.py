"""The fee policy documents of this node; the newest is in force, the older ones are its history."""

from django.db import models

from nodes.engine.document import FeePolicy
from tenants.sealing.payload import PayloadField, SealedModel


class FeePolicyVersion(SealedModel):
    version = models.IntegerField(primary_key=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=128)
    document: PayloadField[FeePolicy] = PayloadField(FeePolicy, is_checked=True)

    def __str__(self) -> str:
        return f"fee policy {self.version}"
