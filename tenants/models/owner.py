"""Whoever the boxes belong to: one owner, many boxes."""

import uuid

from django.db import models


class Owner(models.Model):
    """Nothing of a person is kept: an owner is whoever holds the key of one of their boxes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return str(self.id)
