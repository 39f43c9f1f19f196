"""Forwards, a day a row: a node's hundred thousand are read in a few dozen rows."""

from django.db import models

from nodes.engine.types import Forward
from nodes.models.payload import PayloadField


class ForwardDay(models.Model):
    day = models.DateField(primary_key=True, help_text="UTC day of settled_at")
    count = models.IntegerField()
    forwards: PayloadField[list[Forward]] = PayloadField(list[Forward])

    def __str__(self) -> str:
        return f"{self.day}: {self.count} forwards"
