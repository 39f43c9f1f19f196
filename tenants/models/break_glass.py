"""An operator's leave to look into one box for a while."""

import uuid

from django.db import models

from tenants.models.dazbox import Dazbox


class BreakGlass(models.Model):
    """Ids and instants only. Why, and what was read by it, stands in the box's own journal, which its owner reads."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dazbox = models.ForeignKey(Dazbox, on_delete=models.CASCADE, related_name="break_glasses")
    operator = models.CharField(max_length=128)
    session_digest = models.BinaryField(max_length=32, help_text="SHA-256 of the sign-in it is bound to")
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-opened_at",)
        verbose_name = "broken glass"
        verbose_name_plural = "broken glasses"
        indexes = (models.Index(fields=["session_digest"], name="break_glass_of_session"),)

    def __str__(self) -> str:
        return f"{self.operator} {self.opened_at:%Y-%m-%d %H:%M}"
