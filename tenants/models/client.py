"""Machines that provision boxes: the shop and its partners."""

from django.db import models


class ProvisioningClient(models.Model):
    client_id = models.CharField(max_length=64, primary_key=True)
    secret_digest = models.BinaryField(max_length=32, help_text="SHA-256 of a random 256-bit secret")
    name = models.CharField(max_length=128)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("client_id",)

    def __str__(self) -> str:
        return self.name
