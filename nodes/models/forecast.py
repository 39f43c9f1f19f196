"""How the node's channels are expected to flow: one row, made anew once a day."""

from django.db import models

from nodes.engine.forecast import NodeForecast
from tenants.sealing.payload import PayloadField, SealedModel


class Forecast(SealedModel):
    id = models.SmallIntegerField(primary_key=True, default=1)
    made_at = models.DateTimeField()
    content: PayloadField[NodeForecast] = PayloadField(NodeForecast)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="forecast_single"),)

    def __str__(self) -> str:
        return f"forecast of {self.made_at:%Y-%m-%d}"
