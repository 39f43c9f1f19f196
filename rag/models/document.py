"""A box's own documents: what was sent, the chunks it was cut into, and what their texts were embedded to.

Qdrant holds an index of this, which can be made anew from here.
"""

import uuid

from django.db import models
from msgspec import Struct

from rag.engine.state import DocumentState
from tenants.sealing.payload import PayloadField, SealedModel


class DocumentDetail(Struct, frozen=True, kw_only=True):
    """`reason_code`, `reason`: why it failed, or what the last attempt ran into; empty when all is well."""

    title: str
    media_type: str
    reason_code: str = ""
    reason: str = ""


class Document(SealedModel):
    """`version` counts its contents: 2 once it was replaced. Progress is `embedded_count` of `chunk_count`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    digest = models.BinaryField(max_length=32, help_text="keyed, of its bytes and media type")
    state = models.CharField(max_length=9, choices=[(state.value, state.value) for state in DocumentState])
    version = models.IntegerField(default=1)
    size_bytes = models.IntegerField()
    chunk_count = models.IntegerField(default=0)
    embedded_count = models.IntegerField(default=0)
    attempts = models.IntegerField(default=0, help_text="begun since the last progress")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField(help_text="of its content")
    state_since = models.DateTimeField()
    detail: PayloadField[DocumentDetail] = PayloadField(DocumentDetail)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["digest"], name="document_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=[state.value for state in DocumentState]), name="document_state_known"
            ),
        )

    def __str__(self) -> str:
        return f"document {self.id}"


class DocumentUpload(SealedModel):
    """The bytes as they were sent, until they are cut into chunks. `document_id`: of a Document."""

    document = models.OneToOneField(Document, on_delete=models.CASCADE, primary_key=True)
    content: PayloadField[bytes] = PayloadField(bytes)

    def __str__(self) -> str:
        return f"upload of {self.document_id}"


class ChunkText(Struct, frozen=True):
    """`heading_path`, `text`: as in rag.engine.types.Chunk."""

    heading_path: tuple[str, ...]
    text: str


class DocumentChunk(SealedModel):
    """Its id follows from document, position and text: cut again, the same chunk is the same row."""

    id = models.UUIDField(primary_key=True)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    position = models.IntegerField()
    digest = models.BinaryField(max_length=32, help_text="keyed, of what is embedded")
    lang = models.CharField(max_length=2)
    indexed_by = models.CharField(max_length=100, help_text="embedding model of its point; empty: it has none yet")
    content: PayloadField[ChunkText] = PayloadField(ChunkText)

    class Meta:
        indexes = (
            models.Index(fields=["document", "position"], name="document_chunk_order"),
            models.Index(fields=["digest"], name="document_chunk_digest"),
        )

    def __str__(self) -> str:
        return f"chunk {self.position} of {self.document_id}"


class EmbeddedText(SealedModel):
    """What a text was embedded to, so that no text is paid for twice. A vector tells of its text: it is sealed too."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    model = models.CharField(max_length=100)
    digest = models.BinaryField(max_length=32, help_text="of DocumentChunk")
    dense: PayloadField[bytes] = PayloadField(bytes, help_text="float32, little-endian, unit length")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["digest", "model"], name="embedded_text_once"),)

    def __str__(self) -> str:
        return f"embedded text {self.id}"
