"""What a node must sign to show that a box speaks for it, and who failed at it lately."""

from django.db import models


class Challenge(models.Model):
    """Good for one redemption within five minutes."""

    nonce = models.CharField(max_length=43, primary_key=True)
    pubkey = models.CharField(max_length=66)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=["expires_at"], name="challenge_expiry"),)

    def __str__(self) -> str:
        return self.nonce


class RedeemFailure(models.Model):
    """A redemption that proved nothing, counted by address, and by address and node; or a wrong code, by owner."""

    source = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["source", "at"], name="redeem_failure_recent"),)

    def __str__(self) -> str:
        return self.source
