"""A box without a claim code asks to be linked; an owner who reads its code on it says yes or no."""

from django.db import models

from tenants.models.dazbox import Dazbox
from tenants.models.owner import Owner


class AuthorizationState(models.TextChoices):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"


class DeviceAuthorization(models.Model):
    """RFC 8628. Of both codes no more than a digest is kept."""

    device_code_digest = models.BinaryField(max_length=32, primary_key=True, help_text="SHA-256")
    user_code_digest = models.BinaryField(max_length=32, help_text="HMAC-SHA-256: it is too short for a plain hash")
    pubkey = models.CharField(max_length=66, help_text="the node, which has signed for the device key")
    alias = models.CharField(max_length=128, blank=True)
    device_key = models.CharField(max_length=43, help_text="x of the Ed25519 JWK")
    agent_version = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=64, help_text="network address it asked from, for the owner to see")
    state = models.CharField(max_length=16, choices=AuthorizationState.choices, default=AuthorizationState.PENDING)
    owner = models.ForeignKey(Owner, null=True, on_delete=models.CASCADE, related_name="approvals")
    dazbox = models.ForeignKey(Dazbox, null=True, on_delete=models.CASCADE, related_name="authorizations")
    interval_s = models.PositiveSmallIntegerField(default=5, help_text="between two looks")
    polled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user_code_digest"], name="device_authorization_user_code_once"),
            models.CheckConstraint(
                condition=models.Q(state=AuthorizationState.PENDING, owner=None)
                | models.Q(state__in=(AuthorizationState.APPROVED, AuthorizationState.DENIED), owner__isnull=False),
                name="device_authorization_decided_by_an_owner",
            ),
        )
        indexes = (models.Index(fields=["expires_at"], name="device_authorization_expiry"),)

    def __str__(self) -> str:
        return f"{self.pubkey[:16]} {self.state}"
