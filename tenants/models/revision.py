"""Whether anything has changed in a box, without a look into its schema."""

from django.db import models


class Revision(models.Model):
    """A mark of one table of a box, drawn anew with each change of it, in the same transaction.

    Marks are random: one that was rolled back, or was drawn before a restore, never comes again. Triggers write them
    (`tenants_draw_mark`); they go with the schema. A box that has none has never changed.
    """

    pk = models.CompositePrimaryKey("schema_name", "table_name")
    schema_name = models.CharField(max_length=63)
    table_name = models.CharField(max_length=63)
    mark = models.UUIDField()

    def __str__(self) -> str:
        return f"{self.schema_name}.{self.table_name}"
