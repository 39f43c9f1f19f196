"""The shared library, as every box may read and quote it: whose text it is and under which licence stays with it."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from rag.engine.state import DocumentState


class LibraryDocument(models.Model):
    """`path` names the file within its collection; `sha256` is of the file and of its line of the manifest."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    collection = models.CharField(max_length=64, help_text="`product` is what the product brings itself")
    path = models.CharField(max_length=500)
    sha256 = models.CharField(max_length=64)
    title = models.CharField(max_length=500)
    lang = models.CharField(max_length=2)
    source = models.CharField(max_length=500, help_text="where it was taken from: an address, with the revision")
    licence = models.CharField(max_length=64, help_text="SPDX identifier")
    attribution = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=9, choices=[(state.value, state.value) for state in DocumentState])
    chunk_count = models.IntegerField(default=0)
    version = models.IntegerField(default=1, help_text="counts its contents")
    loaded_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["collection", "path"], name="library_document_once"),)

    def __str__(self) -> str:
        return f"{self.collection}/{self.path}"


class LibraryChunk(models.Model):
    """Its id follows from document, position and text, as a box's own chunks' do."""

    id = models.UUIDField(primary_key=True)
    document = models.ForeignKey(LibraryDocument, on_delete=models.CASCADE, related_name="chunks")
    position = models.IntegerField()
    heading_path = ArrayField(models.TextField())
    text = models.TextField()
    sha256 = models.CharField(max_length=64, help_text="of what is embedded")
    indexed_by = models.CharField(max_length=100, help_text="embedding model of its point; empty: it has none yet")

    class Meta:
        indexes = (models.Index(fields=["document", "position"], name="library_chunk_order"),)

    def __str__(self) -> str:
        return f"{self.document} {self.position}"


class LibraryEmbedding(models.Model):
    """What a text was embedded to, so that no text is embedded twice."""

    model = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64, help_text="of LibraryChunk")
    dense = models.BinaryField(help_text="float32, little-endian, unit length")
    tokens = models.BinaryField(null=True, help_text="float16, little-endian, a row of the model's dimension a token")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["sha256", "model"], name="library_embedding_once"),)

    def __str__(self) -> str:
        return f"{self.model} {self.sha256[:12]}"


class DepartedBox(models.Model):
    """A box whose rows are gone, or others now, and whose points may still be in the index."""

    dazbox_id = models.UUIDField(primary_key=True)
    departed_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.dazbox_id)
