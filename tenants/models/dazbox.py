"""A Dazbox: one home node, one tenant, one schema."""

import secrets
import uuid
from collections.abc import Mapping

from django.db import models
from django_tenants.models import TenantMixin

from tenants.engine.plan import DEFAULT_PLAN, PLANS
from tenants.models.owner import Owner


def new_schema_name() -> str:
    """Random, so that a schema tells nothing of its owner and none can be guessed."""
    return f"dz_{secrets.token_hex(10)}"


class DazboxState(models.TextChoices):
    """A box begins with its claim spent. What a claim may be before that (unused, expired, revoked) is the claim's."""

    CLAIMED = "claimed"  # the row exists, its schema does not
    PROVISIONING = "provisioning"  # an attempt at building its schema has begun
    PROVISIONING_FAILED = "provisioning_failed"  # the last attempt failed; it is tried again
    ACTIVE = "active"
    SUSPENDED = "suspended"  # by its owner, by an operator, or by both
    TRANSFERRING = "transferring"  # its keys have ended; whoever redeems its new claim code has it next
    PENDING_DELETION = "pending_deletion"  # everything is kept until `purge_at`
    DELETING = "deleting"
    DELETED = "deleted"  # a tombstone: id, SHA-256 of the pubkey, instants


TRANSITIONS: Mapping[DazboxState, frozenset[DazboxState]] = {
    DazboxState.CLAIMED: frozenset({DazboxState.PROVISIONING}),
    DazboxState.PROVISIONING: frozenset({DazboxState.ACTIVE, DazboxState.PROVISIONING_FAILED}),
    DazboxState.PROVISIONING_FAILED: frozenset({DazboxState.PROVISIONING}),
    DazboxState.ACTIVE: frozenset({DazboxState.SUSPENDED, DazboxState.TRANSFERRING, DazboxState.PENDING_DELETION}),
    DazboxState.SUSPENDED: frozenset({DazboxState.ACTIVE, DazboxState.PENDING_DELETION}),
    DazboxState.TRANSFERRING: frozenset({DazboxState.ACTIVE, DazboxState.PENDING_DELETION}),
    DazboxState.PENDING_DELETION: frozenset({
        DazboxState.ACTIVE,
        DazboxState.SUSPENDED,
        DazboxState.TRANSFERRING,
        DazboxState.DELETING,
    }),
    DazboxState.DELETING: frozenset({DazboxState.DELETED}),
    DazboxState.DELETED: frozenset(),
}
UNBUILT_STATES = (DazboxState.CLAIMED, DazboxState.PROVISIONING, DazboxState.PROVISIONING_FAILED)
SERVED_STATES = (  # those with a schema
    DazboxState.ACTIVE, DazboxState.SUSPENDED, DazboxState.TRANSFERRING, DazboxState.PENDING_DELETION,
)  # fmt: skip


class Dazbox(TenantMixin):  # type: ignore[misc]
    """Lifecycle only. What the node is doing lives in the tenant's own schema."""

    auto_create_schema = False  # tenants.provisioning builds schemas from the template
    auto_drop_schema = False

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Owner, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    pubkey = models.CharField(max_length=66, blank=True, help_text="identity key of the Lightning node, hex")
    pubkey_digest = models.BinaryField(max_length=32, null=True, help_text="SHA-256 of the pubkey, of a deleted box")
    alias = models.CharField(max_length=128, blank=True)
    plan = models.CharField(max_length=16, default=DEFAULT_PLAN, help_text="how much it may have")
    state = models.CharField(max_length=24, choices=DazboxState.choices, default=DazboxState.CLAIMED)
    state_since = models.DateTimeField(auto_now_add=True)
    owner_pause_reason = models.CharField(max_length=200, blank=True, help_text="why its owner paused it; empty: not")
    operator_suspension_reason = models.CharField(
        max_length=200, blank=True, help_text="why an operator suspended it; empty: not"
    )
    purge_at = models.DateTimeField(null=True, blank=True, help_text="when a box pending deletion is destroyed")
    erased_at = models.DateTimeField(
        null=True, blank=True, help_text="when what was left of a deleted box in the database's files was written over"
    )
    schema_revision = models.CharField(
        max_length=64, blank=True, help_text="revision of the template it was built from"
    )
    token_version = models.PositiveIntegerField(default=0, help_text="access tokens of an older one are refused")
    token_version_since = models.DateTimeField(null=True, blank=True, help_text="when it was raised last")
    agent_version = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "dazboxes"
        ordering = ("created_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=["pubkey"], condition=~models.Q(state=DazboxState.DELETED), name="dazbox_pubkey_once"
            ),
            models.CheckConstraint(condition=models.Q(state__in=DazboxState.values), name="dazbox_state_known"),
            models.CheckConstraint(condition=models.Q(plan__in=list(PLANS)), name="dazbox_plan_known"),
            models.CheckConstraint(
                condition=~models.Q(state=DazboxState.ACTIVE)
                | models.Q(owner_pause_reason="", operator_suspension_reason=""),
                name="dazbox_active_is_not_suspended",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=DazboxState.SUSPENDED, owner_pause_reason="", operator_suspension_reason=""),
                name="dazbox_suspended_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(purge_at__isnull=False)
                ^ ~models.Q(state__in=(DazboxState.PENDING_DELETION, DazboxState.DELETING)),
                name="dazbox_purge_when_deleted",
            ),
            models.CheckConstraint(
                condition=models.Q(state=DazboxState.DELETED, pubkey="", pubkey_digest__isnull=False)
                | (~models.Q(state=DazboxState.DELETED) & ~models.Q(pubkey="")),
                name="dazbox_tombstone_knows_no_node",
            ),
            models.CheckConstraint(
                condition=models.Q(schema_name__regex=r"^dz_[0-9a-z]{8,40}$"), name="dazbox_schema_name_ours"
            ),
        )

    def __str__(self) -> str:
        return self.alias or self.pubkey[:16]
