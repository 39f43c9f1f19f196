"""Long-lived keys for the owner's own programs, each bound to one box."""

import uuid

from django.db import models

from tenants.models.dazbox import Dazbox


class ApiKey(models.Model):
    """The key itself is shown once, at creation; only its prefix and SHA-256 stay."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dazbox = models.ForeignKey(Dazbox, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=64)
    prefix = models.CharField(max_length=16, help_text="dz_live_ and eight characters: tells keys apart")
    digest = models.BinaryField(max_length=32)
    scope = models.CharField(max_length=32, help_text="read, act or both, space-separated")
    created_by = models.CharField(max_length=128)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="to the minute")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        verbose_name = "API key"
        constraints = (models.UniqueConstraint(fields=["prefix"], name="api_key_prefix_once"),)
        indexes = (models.Index(fields=["dazbox", "name"], name="api_key_of_box"),)

    def __str__(self) -> str:
        return f"{self.prefix}…"
