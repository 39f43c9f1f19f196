"""What the API itself remembers: the answers it gave, for callers who ask again."""

from django.db import models


class StoredAnswer(models.Model):
    """The answer to one POST with an Idempotency-Key. The table lies in the public schema and in every Dazbox's own.

    `sealed` opens only with the caller's key, of which no more than a hash is kept: an answer may hold secrets that
    are shown once.
    """

    id = models.BinaryField(max_length=32, primary_key=True, help_text="SHA-256 of tenant, principal, route and key")
    fingerprint = models.BinaryField(
        max_length=32, help_text="SHA-256 of key, address and body: nobody without the key finds the body by trying"
    )
    sealed = models.BinaryField(help_text="AES-256-GCM of status, headers and body")
    concerns = models.UUIDField(null=True, db_index=True, help_text="the Dazbox it tells of; goes when that is purged")
    created_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["created_at"], name="stored_answer_age"),)

    def __str__(self) -> str:
        return bytes(self.id).hex()
