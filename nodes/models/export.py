"""The archive of an export, in pieces: any process can write it and any other serve it."""

import uuid

from django.db import models

from tenants.sealing.payload import PayloadField, SealedModel


class ExportChunk(SealedModel):
    """Piece `number` (from 0) of the archive of the export `export_id`, sealed as all of the box's data is."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    export_id = models.UUIDField(help_text="of tenants.Export, which lies in the public schema")
    number = models.IntegerField()
    content: PayloadField[bytes] = PayloadField(bytes)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["export_id", "number"], name="export_chunk_once"),)

    def __str__(self) -> str:
        return f"{self.export_id} {self.number}"
