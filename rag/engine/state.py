"""How far a document is."""

from enum import StrEnum


class DocumentState(StrEnum):
    """queued > parsing > embedding > ready; from each of the first three: failed, with a reason."""

    QUEUED = "queued"
    PARSING = "parsing"
    EMBEDDING = "embedding"
    READY = "ready"
    FAILED = "failed"


UNFINISHED = (DocumentState.QUEUED, DocumentState.PARSING, DocumentState.EMBEDDING)
