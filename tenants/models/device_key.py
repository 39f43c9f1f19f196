"""The keys a box signs in with."""

import datetime as dt

from django.db import models

from tenants.models.dazbox import Dazbox


class DeviceKey(models.Model):
    """An Ed25519 key of one box. While a successor takes over, two of them live for a while."""

    dazbox = models.ForeignKey(Dazbox, on_delete=models.CASCADE, related_name="device_keys")
    kid = models.CharField(max_length=43, help_text="RFC 7638 thumbprint")
    x = models.CharField(max_length=43, help_text="the public key, base64url")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="when its successor has taken over; none: open")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=["dazbox", "kid"], name="device_key_once"),)

    def __str__(self) -> str:
        return self.kid

    def is_live(self, now: dt.datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
