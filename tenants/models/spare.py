"""Schemas built in advance, waiting for a box."""

from django.db import models


class SpareSchema(models.Model):
    """The row and its schema are made in one transaction, and so are the row's end and the schema's change of hands."""

    schema_name = models.CharField(max_length=63, primary_key=True)
    revision = models.CharField(max_length=64, help_text="revision of the template it was built from")
    built_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.schema_name
