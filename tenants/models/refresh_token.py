"""Refresh tokens, each good for one rotation, in families."""

import uuid

from django.db import models

from tenants.models.dazbox import Dazbox
from tenants.models.device_key import DeviceKey


class RefreshToken(models.Model):
    """Only the SHA-256 is kept. A family is one sign-in and everything rotated out of it."""

    digest = models.BinaryField(max_length=32, primary_key=True)
    family = models.UUIDField(default=uuid.uuid4)
    dazbox = models.ForeignKey(Dazbox, null=True, on_delete=models.CASCADE)
    device_key = models.ForeignKey(
        DeviceKey, null=True, on_delete=models.CASCADE, help_text="which it lives as long as"
    )
    subject = models.CharField(max_length=128)
    scope = models.CharField(max_length=128)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=["family"], name="refresh_token_family"),
            models.Index(fields=["expires_at"], name="refresh_token_expiry"),
        )

    def __str__(self) -> str:
        return f"{self.subject} ({self.family})"


class SpentAssertion(models.Model):
    """The `jti` of a device assertion that was used: it is good once."""

    jti = models.CharField(max_length=64)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["jti"], name="spent_assertion_once"),)
        indexes = (models.Index(fields=["expires_at"], name="spent_assertion_expiry"),)

    def __str__(self) -> str:
        return self.jti
