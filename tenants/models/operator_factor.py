"""The second factor of operators, and their failed attempts at signing in."""

from django.conf import settings
from django.db import models


class OperatorFactor(models.Model):
    """A TOTP secret (RFC 6238), sealed. `last_step` is the time step of the last code taken: each is good once."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="factor"
    )
    sealed_secret = models.BinaryField(max_length=64)
    last_step = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"second factor of {self.user_id}"


class FailedSignIn(models.Model):
    """One attempt under a user name (as SHA-256, known or not) that has not succeeded."""

    name_digest = models.BinaryField(max_length=32)
    attempted_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["name_digest", "attempted_at"], name="failed_sign_in_of_name"),)

    def __str__(self) -> str:
        return f"{self.attempted_at:%Y-%m-%d %H:%M:%S}"
