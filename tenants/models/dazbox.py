"""A Dazbox: one home node, one tenant, one schema."""

import secrets
import uuid

from django.db import models
from django_tenants.models import TenantMixin


def new_schema_name() -> str:
    """Random, so that a schema tells nothing of its owner and none can be guessed."""
    return f"dz_{secrets.token_hex(10)}"


class DazboxState(models.TextChoices):
    PROVISIONING = "provisioning"  # the row exists, its schema may not yet
    ACTIVE = "active"


class Dazbox(TenantMixin):  # type: ignore[misc]
    """Lifecycle only. What the node is doing lives in the tenant's own schema."""

    auto_create_schema = False  # tenants.provisioning builds schemas from the template
    auto_drop_schema = False

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pubkey = models.CharField(max_length=66, help_text="identity key of the Lightning node, hex")
    alias = models.CharField(max_length=128, blank=True)
    state = models.CharField(max_length=16, choices=DazboxState.choices, default=DazboxState.PROVISIONING)
    schema_revision = models.CharField(
        max_length=64, blank=True, help_text="revision of the template it was built from"
    )
    device_key = models.CharField(max_length=43, help_text="Ed25519 public key of the box, base64url")
    device_kid = models.CharField(max_length=43, help_text="RFC 7638 thumbprint of the device key")
    token_version = models.PositiveIntegerField(default=0, help_text="access tokens of an older one are refused")
    agent_version = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "dazboxes"
        ordering = ("created_at", "id")
        constraints = (
            models.UniqueConstraint(fields=["pubkey"], name="dazbox_pubkey_once"),
            models.CheckConstraint(condition=models.Q(state__in=DazboxState.values), name="dazbox_state_known"),
            models.CheckConstraint(
                condition=models.Q(schema_name__regex=r"^dz_[0-9a-z]{8,40}$"), name="dazbox_schema_name_ours"
            ),
        )

    def __str__(self) -> str:
        return self.alias or self.pubkey[:16]
