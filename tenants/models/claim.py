"""One-time codes the shop prints; whoever plugs the box in redeems one."""

import uuid

from django.db import models

from tenants.engine.plan import DEFAULT_PLAN, PLANS
from tenants.models.dazbox import Dazbox


class Claim(models.Model):
    """The code itself is shown once, at creation; only its prefix and SHA-256 stay."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    prefix = models.CharField(max_length=12)
    digest = models.BinaryField(max_length=32)
    label = models.CharField(max_length=128, blank=True)
    plan = models.CharField(max_length=16, default=DEFAULT_PLAN, help_text="of the box it makes")
    created_by = models.CharField(max_length=128)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    allowed_pubkey = models.CharField(max_length=66, blank=True, help_text="the one node it is for; empty: any")
    is_vouched = models.BooleanField(default=False, help_text="the operator has checked that node: it need not sign")
    revoked_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    dazbox = models.ForeignKey(
        Dazbox,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="claims",
        help_text="the box it made; unused: the box it hands over",
    )

    class Meta:
        ordering = ("created_at", "id")
        constraints = (
            models.UniqueConstraint(fields=["digest"], name="claim_digest_once"),
            models.CheckConstraint(condition=models.Q(plan__in=list(PLANS)), name="claim_plan_known"),
            models.CheckConstraint(
                condition=models.Q(is_vouched=False) | ~models.Q(allowed_pubkey=""), name="claim_vouched_for_one_node"
            ),
        )

    def __str__(self) -> str:
        return f"{self.prefix}…"
