"""What the API says of documents."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from mcp_saas.kit.text import telling
from rag.engine.state import DocumentState
from rag.models.document import Document

TITLE_CHARS = 200
State = Literal["queued", "parsing", "embedding", "ready", "failed"]


class DocumentText(Struct, frozen=True, forbid_unknown_fields=True):
    """A document as text; files are sent as multipart/form-data."""

    title: Annotated[str, telling(max_length=TITLE_CHARS)]
    text: Annotated[str, Meta(min_length=1, max_length=10 << 20)]
    media_type: Literal["text/plain", "text/markdown", "text/html"] = "text/markdown"


class DocumentReason(Struct, frozen=True):
    """`code`: unsupported, malformed, encrypted, no-text, too-large, too-many-pages, too-deep, hostile, too-slow,
    unavailable, interrupted or internal.
    """

    code: str
    detail: str


class DocumentProgress(Struct, frozen=True):
    """Passages that are found already, of how many; 0 of 0 before it is cut into passages."""

    done: int
    total: int


class DocumentAnswer(Struct, frozen=True, kw_only=True):
    """A document and how far it is. `reason`: why it failed, or what the last attempt ran into; it is tried again."""

    id: UUID
    title: str
    media_type: str
    size_bytes: int
    version: int
    state: State
    reason: DocumentReason | None
    progress: DocumentProgress
    created_at: dt.datetime
    changed_at: dt.datetime


class DocumentPage(Struct, frozen=True):
    """Documents, the oldest first."""

    items: list[DocumentAnswer]
    next_cursor: str | None


def describe_document(document: Document) -> DocumentAnswer:
    detail = document.detail
    is_over = document.state in {DocumentState.READY, DocumentState.FAILED}
    shown = detail.reason_code and (is_over or detail.reason_code != "interrupted")  # else the attempt is under way
    return DocumentAnswer(
        id=document.id,
        title=detail.title,
        media_type=detail.media_type,
        size_bytes=document.size_bytes,
        version=document.version,
        state=DocumentState(document.state).value,
        reason=DocumentReason(detail.reason_code, detail.reason) if shown else None,
        progress=DocumentProgress(document.embedded_count, document.chunk_count),
        created_at=document.created_at,
        changed_at=document.changed_at,
    )
