"""The tables of a tenant as one SQL script."""

from django.db import models


class SchemaTemplate(models.Model):
    """Read off the catalog of `dz_template` after its migrations ran; the newest row is in force."""

    revision = models.CharField(max_length=64, primary_key=True, help_text="SHA-256 of the script")
    ddl = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        get_latest_by = "created_at"

    def __str__(self) -> str:
        return self.revision[:12]
