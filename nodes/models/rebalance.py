"""Payments of the node to itself, a day a row, as forwards are kept."""

from django.db import models

from nodes.engine.rebalance import Rebalance
from tenants.sealing.payload import PayloadField, SealedModel


class RebalanceDay(SealedModel):
    day = models.DateField(primary_key=True, help_text="UTC day of settled_at")
    rebalances: PayloadField[list[Rebalance]] = PayloadField(list[Rebalance])

    def __str__(self) -> str:
        return f"rebalances of {self.day}"
