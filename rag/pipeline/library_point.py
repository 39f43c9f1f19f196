"""From chunks of the library to points of the index, as `rag.pipeline.point` does it for a box, in plain words."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import cast
from uuid import UUID, uuid5

import numpy as np

from rag.engine.language import LANGUAGES, Language
from rag.engine.types import Chunk
from rag.library.models import LibraryChunk, LibraryDocument, LibraryEmbedding
from rag.pipeline.passage import embed_passages
from rag.pipeline.point import BATCH, BM25, Index
from rag.sources.embedder import Embedded
from rag.sources.qdrant import scope
from rag.sources.qdrant.point import Content, Point

__all__ = ["BATCH", "embed_chunks", "make_chunk", "write_points"]
KIND = "library"
_SPACE = UUID("0c0b0f5e-8f0f-4c58-8a53-0d5f1b7f1d92")
_FLOAT, _HALF = np.dtype("<f4"), np.dtype("<f2")
Vectors = Mapping[str, Embedded]  # by the hash of their text


def make_chunk(document: LibraryDocument, chunk: Chunk) -> LibraryChunk:
    sha256 = hashlib.sha256(chunk.passage.encode()).hexdigest()
    return LibraryChunk(
        id=uuid5(_SPACE, f"{document.id} {chunk.position} {sha256}"),
        document=document,
        position=chunk.position,
        heading_path=list(chunk.heading_path),
        text=chunk.text,
        sha256=sha256,
        indexed_by="",
    )


def embed_chunks(chunks: Sequence[LibraryChunk], index: Index) -> Vectors:
    """Vectors for each text, what is new embedded and remembered before anything else is tried."""
    known = LibraryEmbedding.objects.filter(model=index.name, sha256__in=[chunk.sha256 for chunk in chunks])
    vectors = {row.sha256: _unpack(row) for row in known}
    for lang in LANGUAGES:
        passages = {chunk.sha256: _passage_of(chunk) for chunk in chunks if chunk.document.lang == lang}
        missing = [sha256 for sha256 in passages if sha256 not in vectors]
        texts = [passages[sha256] for sha256 in missing]
        embedded = embed_passages(texts, lang, embedder=index.embedder) if texts else []
        new = dict(zip(missing, embedded, strict=True))
        rows = [_pack(index.name, sha256, vector=vector) for sha256, vector in new.items()]
        LibraryEmbedding.objects.bulk_create(rows, ignore_conflicts=True)
        vectors |= new
    return vectors


def write_points(chunks: Sequence[LibraryChunk], *, vectors: Vectors, index: Index) -> None:
    points = [
        Point(
            document=str(chunk.document_id),
            position=chunk.position,
            chunk=str(chunk.id),
            lang=chunk.document.lang,
            kind=KIND,
            version=chunk.document.version,
            ts=int(chunk.document.loaded_at.timestamp()),
            content=Content(
                text=chunk.text,
                title=chunk.document.title,
                path=tuple(chunk.heading_path),
                source=chunk.document.source,
                licence=chunk.document.licence,
            ),
            dense=vectors[chunk.sha256].dense,
            tokens=vectors[chunk.sha256].tokens,
            terms=BM25.encode_document(_passage_of(chunk), cast("Language", chunk.document.lang)),
        )
        for chunk in chunks
    ]
    index.store.upsert(scope.shared(), points)


def _passage_of(chunk: LibraryChunk) -> str:
    return Chunk(chunk.position, tuple(chunk.heading_path), chunk.text).passage


def _pack(model: str, sha256: str, *, vector: Embedded) -> LibraryEmbedding:
    tokens = None if vector.tokens is None else vector.tokens.astype(_HALF).tobytes()
    return LibraryEmbedding(model=model, sha256=sha256, dense=vector.dense.astype(_FLOAT).tobytes(), tokens=tokens)


def _unpack(row: LibraryEmbedding) -> Embedded:
    dense = np.frombuffer(bytes(row.dense), dtype=_FLOAT)
    if row.tokens is None:
        return Embedded(dense)
    tokens = np.frombuffer(bytes(row.tokens), dtype=_HALF).astype(np.float32)
    return Embedded(dense, tokens.reshape(-1, dense.size))
