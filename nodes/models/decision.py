"""One run of the pipeline, and what it decided for each channel."""

import uuid

from django.db import models

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.summary import NodeSummary
from nodes.engine.types import ChannelDecision
from tenants.sealing.payload import PayloadField, SealedModel


class CycleRun(SealedModel):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    snapshot_seq = models.BigIntegerField()
    mode = models.CharField(max_length=8)
    started_by = models.CharField(max_length=128, help_text="`schedule`, or the kinds of the triggers")
    engine_version = models.IntegerField()
    summary: PayloadField[NodeSummary] = PayloadField(NodeSummary)
    context: PayloadField[CycleInput] = PayloadField(CycleInput)

    class Meta:
        indexes = (models.Index(fields=["-finished_at"], name="cycle_run_newest"),)

    def __str__(self) -> str:
        return f"run of {self.finished_at:%Y-%m-%d %H:%M}"


class Decision(SealedModel):
    """From the run's `context` and all its `inputs` the engine gives each `outcome` again, byte for byte."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(CycleRun, on_delete=models.CASCADE, db_index=False, related_name="decisions")
    channel_digest = models.BinaryField(max_length=32, help_text="the digest of its channel")
    group = models.CharField(max_length=8, help_text="of the release: canary, hold_out, rest")
    decided_at = models.DateTimeField()
    inputs: PayloadField[ChannelInput] = PayloadField(ChannelInput)
    outcome: PayloadField[ChannelDecision] = PayloadField(ChannelDecision)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "channel_digest"], name="decision_once_a_run"),)

    def __str__(self) -> str:
        return f"decision {self.id}"

    def name_row(self) -> str:
        return f"{self.run_id} {bytes(self.channel_digest).hex()}"
