"""The node of this Dazbox: one row."""

from django.db import models

from nodes.engine.alert import Alerts
from nodes.engine.connection import Connection
from nodes.engine.release.settings import ReleaseSettings
from nodes.engine.release.standing import Standing
from nodes.engine.report import NodeState
from nodes.engine.trigger import Watch
from tenants.sealing.payload import PayloadField, SealedModel


class Mode(models.TextChoices):
    SHADOW = "shadow"  # decisions are recorded and shown, nothing is handed to the box
    CANARY = "canary"  # those of a share of the channels are handed over
    LIVE = "live"  # all are, but those of the hold-out channels
    PAUSED = "paused"  # nothing is decided; what the box has already is seen through


class OwnNode(SealedModel):
    id = models.SmallIntegerField(primary_key=True, default=1)
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.SHADOW)
    last_seq = models.BigIntegerField(null=True)
    last_taken_at = models.DateTimeField(null=True)
    forward_cursor = models.CharField(max_length=128, blank=True)
    history_since = models.DateTimeField(null=True, help_text="from when on we know all forwards")
    rebalance_cursor = models.CharField(max_length=128, blank=True)
    rebalances_until = models.DateTimeField(null=True, help_text="until when we know all rebalances; null: never told")
    state: PayloadField[NodeState | None] = PayloadField(NodeState, null=True)
    release: PayloadField[ReleaseSettings | None] = PayloadField(ReleaseSettings, is_checked=True, null=True)
    standing: PayloadField[Standing | None] = PayloadField(Standing, null=True)
    watch: PayloadField[Watch | None] = PayloadField(Watch, null=True)
    alerts: PayloadField[Alerts | None] = PayloadField(Alerts, null=True)
    connection: PayloadField[Connection | None] = PayloadField(Connection, null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(id=1), name="own_node_single"),
            models.CheckConstraint(condition=models.Q(mode__in=Mode.values), name="own_node_mode_known"),
        )

    def __str__(self) -> str:
        return f"node ({self.mode})"
