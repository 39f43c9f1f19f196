"""From chunks to points of the index: what is embedded, what is remembered of it, what is written."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray

from rag.engine.clean import redact
from rag.engine.language import Language, detect_language
from rag.engine.sparse import Bm25
from rag.engine.types import Chunk
from rag.models.document import ChunkText, Document, DocumentChunk, EmbeddedText
from rag.sources.embedder import Embedder, choose_embedder
from rag.sources.qdrant import scope
from rag.sources.qdrant.connect import connect
from rag.sources.qdrant.point import Content, Point
from rag.sources.qdrant.store import Store
from tenants.context import current_tenant
from tenants.sealing.tenant import current_keys

BATCH = 32  # chunks at a time: what a failure costs at most
KIND = "document"
TERMS = "knowledge terms"  # the purpose of the key by which a box's terms are numbered
BM25 = Bm25()
_SPACE = UUID("6f2b4b1e-54b5-4a55-9d0c-3b8d9f5f7a10")
_FLOAT = np.dtype("<f4")
Vectors = Mapping[bytes, NDArray[np.float32]]  # by the digest of their text


class Index(NamedTuple):
    """The model that embeds and the store of its vectors."""

    embedder: Embedder
    store: Store

    @property
    def name(self) -> str:
        """Of the model: vectors of two cannot be compared."""
        return self.embedder.model.id


def open_index() -> Index:
    """By the settings. Nothing is asked of either yet."""
    embedder = choose_embedder()
    return Index(embedder, connect(embedder.model))


def identify(document: Document) -> str:
    """By which the index knows it."""
    return str(document.id)


def make_chunk(document: Document, chunk: Chunk) -> DocumentChunk:
    digest = current_keys().digest("chunk", redact(chunk.passage).encode())
    return DocumentChunk(
        id=uuid5(_SPACE, f"{document.id} {chunk.position} {digest.hex()}"),
        document=document,
        position=chunk.position,
        digest=digest,
        lang=detect_language(chunk.passage),
        indexed_by="",
        content=ChunkText(chunk.heading_path, chunk.text),
    )


def embed_chunks(chunks: Sequence[DocumentChunk], index: Index) -> Vectors:
    """A vector for each text, what is new embedded in one call and remembered before anything else is tried."""
    passages = {bytes(chunk.digest): redact(_passage_of(chunk)) for chunk in chunks}
    known = EmbeddedText.objects.filter(model=index.name, digest__in=list(passages))
    vectors = {bytes(row.digest): np.frombuffer(row.dense, dtype=_FLOAT) for row in known}
    missing = [digest for digest in passages if digest not in vectors]
    if missing:
        embedded = index.embedder.embed([passages[digest] for digest in missing], with_tokens=False)
        vectors |= {digest: one.dense for digest, one in zip(missing, embedded, strict=True)}
        rows = [EmbeddedText(model=index.name, digest=one, dense=_pack(vectors[one])) for one in missing]
        EmbeddedText.objects.bulk_create(rows, ignore_conflicts=True)
    return vectors


def write_points(document: Document, chunks: Sequence[DocumentChunk], *, vectors: Vectors, index: Index) -> None:
    """Text sealed, terms keyed; amounts, keys and addresses in neither vectors nor terms."""
    term_key = current_keys().derive_digest_key(TERMS)
    points = [
        Point(
            document=identify(document),
            position=chunk.position,
            chunk=str(chunk.id),
            lang=chunk.lang,
            kind=KIND,
            version=document.version,
            ts=int(document.changed_at.timestamp()),
            content=Content(
                text=chunk.content.text, title=document.detail.title, path=tuple(chunk.content.heading_path)
            ),
            dense=vectors[bytes(chunk.digest)],
            terms=BM25.encode_document(redact(_passage_of(chunk)), cast("Language", chunk.lang), key=term_key),
        )
        for chunk in chunks
    ]
    index.store.upsert(scope.own(current_tenant().id), points)


def _passage_of(chunk: DocumentChunk) -> str:
    return Chunk(chunk.position, tuple(chunk.content.heading_path), chunk.content.text).passage


def _pack(vector: NDArray[np.float32]) -> bytes:
    return vector.astype(_FLOAT).tobytes()
