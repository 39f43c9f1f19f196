"""What is written to the node, and how far it is."""

import datetime as dt
import uuid
from collections.abc import Mapping

from django.db import models
from msgspec import Struct

from nodes.engine.report import ChannelPolicy
from nodes.models.decision import CycleRun, Decision
from tenants.sealing.payload import PayloadField, SealedModel


class ActionState(models.TextChoices):
    """As it is stored. People and programs are told `Action.public_state`."""

    PLANNED = "planned"  # recorded; in shadow mode it stays here
    APPROVED = "approved"  # handed over to the box when it asks
    SENT = "sent"  # the box has it: it may be written already
    CONFIRMED = "confirmed"  # a later snapshot showed it in force
    FAILED = "failed"  # the node refused it, or does not show what it reported
    SUPERSEDED = "superseded"  # a later run decided anew, the policy was changed by somebody else, the channel closed
    EXPIRED = "expired"  # nobody wrote it in time
    REJECTED = "rejected"  # the owner did not want it
    ROLLED_BACK = "rolled_back"  # it was in force, and a later action took it back


class ActionKind(models.TextChoices):
    POLICY = "policy"  # of a run
    ROLLBACK = "rollback"  # puts back what was there before others
    PROPOSAL = "proposal"  # of the owner, or of somebody who may act for them


TRANSITIONS: Mapping[ActionState, frozenset[ActionState]] = {
    ActionState.PLANNED: frozenset({
        ActionState.APPROVED,
        ActionState.REJECTED,
        ActionState.SUPERSEDED,
        ActionState.EXPIRED,
    }),
    ActionState.APPROVED: frozenset({
        ActionState.SENT,
        ActionState.REJECTED,
        ActionState.SUPERSEDED,
        ActionState.EXPIRED,
    }),
    ActionState.SENT: frozenset({
        ActionState.CONFIRMED,
        ActionState.FAILED,
        ActionState.SUPERSEDED,
        ActionState.EXPIRED,
    }),
    ActionState.CONFIRMED: frozenset({ActionState.ROLLED_BACK}),
    ActionState.FAILED: frozenset(),
    ActionState.SUPERSEDED: frozenset(),
    ActionState.EXPIRED: frozenset(),
    ActionState.REJECTED: frozenset(),
    ActionState.ROLLED_BACK: frozenset(),
}
OPEN_STATES = (ActionState.PLANNED, ActionState.APPROVED)  # the box does not have it: it can be taken back
IN_FLIGHT_STATES = (ActionState.APPROVED, ActionState.SENT)  # one a channel
UNSETTLED_STATES = (*OPEN_STATES, ActionState.SENT)
PROVEN_STATES = (ActionState.CONFIRMED, ActionState.ROLLED_BACK)  # a snapshot showed it in force


class ActionOutcome(Struct, frozen=True, kw_only=True):
    """How it went. `applied_policy`: what the box read back from the node; `at`: by the box's clock."""

    error: str | None = None
    applied_policy: ChannelPolicy | None = None
    at: dt.datetime | None = None


class Action(SealedModel):
    """`expected_policy` is what the node had when we decided: it is written over nothing else, and undo restores it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    kind = models.CharField(max_length=8, choices=ActionKind.choices, default=ActionKind.POLICY)
    run = models.ForeignKey(CycleRun, null=True, on_delete=models.CASCADE, related_name="actions")
    decision = models.OneToOneField(Decision, null=True, on_delete=models.CASCADE, related_name="action")
    undone_by = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="undoes", help_text="the rollback that takes it back"
    )
    channel_digest = models.BinaryField(max_length=32, help_text="the digest of its channel")
    state = models.CharField(max_length=12, choices=ActionState.choices, default=ActionState.PLANNED)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="not written after")
    approved_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True, help_text="when it was first handed over")
    sent_to = models.CharField(max_length=64, blank=True, help_text="who has it")
    lease_until = models.DateTimeField(null=True, help_text="until when nobody else is given it")
    reported_at = models.DateTimeField(null=True, help_text="when the box said that it is written")
    settled_at = models.DateTimeField(null=True, help_text="when its last state but rolled_back was known")
    short_channel_id: PayloadField[str] = PayloadField(str)
    policy: PayloadField[ChannelPolicy] = PayloadField(ChannelPolicy)
    expected_policy: PayloadField[ChannelPolicy] = PayloadField(ChannelPolicy)
    why: PayloadField[str] = PayloadField(str)
    outcome: PayloadField[ActionOutcome | None] = PayloadField(ActionOutcome, null=True)

    class Meta:
        indexes = (
            models.Index(fields=["state", "created_at"], name="action_open"),
            models.Index(fields=["channel_digest", "created_at"], name="action_of_channel"),
            models.Index(fields=["sent_at"], condition=models.Q(sent_at__isnull=False), name="action_handed_over"),
        )
        constraints = (
            models.CheckConstraint(condition=models.Q(state__in=ActionState.values), name="action_state_known"),
            models.CheckConstraint(condition=models.Q(kind__in=ActionKind.values), name="action_kind_known"),
            models.UniqueConstraint(
                fields=["channel_digest"],
                condition=models.Q(state=ActionState.APPROVED) | models.Q(state=ActionState.SENT),
                name="action_in_flight_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.public_state} action {self.id}"

    @property
    def public_state(self) -> ActionState:
        """The one name of its state for people and programs: confirmed from the report of a success on.

        Inside it stays sent until a snapshot proves it: until then it is on its way, and its channel gets no other.
        """
        return ActionState.CONFIRMED if self.awaits_proof else ActionState(self.state)

    @property
    def awaits_proof(self) -> bool:
        """Reported as written, and no snapshot has shown it yet."""
        return self.state == ActionState.SENT and self.reported_at is not None

    @property
    def verified_at(self) -> dt.datetime | None:
        """When a snapshot showed it in force; None: not yet, or never."""
        return self.settled_at if self.state in PROVEN_STATES else None

    @property
    def written_policy(self) -> ChannelPolicy:
        """What the node made of it: it may have bounds of its own for the smallest and the largest payment."""
        applied = self.outcome.applied_policy if self.outcome and self.reported_at else None
        return applied or self.policy


def in_public_state(state: str) -> models.Q:
    """The rows whose `public_state` it is."""
    reported = models.Q(state=ActionState.SENT, reported_at__isnull=False)
    match state:
        case ActionState.CONFIRMED:
            return models.Q(state=state) | reported
        case ActionState.SENT:
            return models.Q(state=state, reported_at__isnull=True)
    return models.Q(state=state)
