"""Forwards, a day a row: a node's hundred thousand are read in a few dozen rows."""

from django.db import models

from nodes.engine.report import Forward
from tenants.sealing.payload import PayloadField, SealedModel


class ForwardDay(SealedModel):
    day = models.DateField(primary_key=True, help_text="UTC day of settled_at")
    forwards: PayloadField[list[Forward]] = PayloadField(list[Forward])

    def __str__(self) -> str:
        return f"forwards of {self.day}"
