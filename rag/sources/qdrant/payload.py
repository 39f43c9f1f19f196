"""A point as the store keeps it, and a hit as it gives it back."""

from typing import Any
from uuid import UUID, uuid5

from qdrant_client import models

from rag.sources.qdrant.collection import TERMS, Stored
from rag.sources.qdrant.errors import ScopeError
from rag.sources.qdrant.exchange import Scored
from rag.sources.qdrant.point import Hit, Point
from rag.sources.qdrant.scope import SHARED, TENANT_FIELD, Scope
from rag.sources.qdrant.seal import digest_text, read_content, store_content

NAMESPACE = UUID("6f0a6a3e-5d0c-4a86-9a53-0c1f5d6d5c52")


def store_point(scope: Scope, point: Point, *, stored: Stored) -> models.PointStruct:
    """Raises ScopeError for what a tenant's point must not carry: token vectors, which no filter keeps small."""
    if point.tokens is not None and not scope.is_shared:
        raise ScopeError("token vectors are of the shared corpus alone")
    vectors: dict[str, Any] = {stored.vector: point.dense.tolist()}
    if point.tokens is not None and stored.tokens is not None:
        vectors[stored.tokens] = point.tokens.astype(float).round(5).tolist()  # kept in half precision
    if point.terms:
        vectors[TERMS] = models.SparseVector(indices=list(point.terms), values=list(point.terms.values()))
    return models.PointStruct(id=name_point(scope, point), vector=vectors, payload=_describe(scope, point))


def name_point(scope: Scope, point: Point) -> str:
    """The same for the same text at the same place. A tenant's text is digested with its key: no guess can be tried."""
    text = digest_text(scope, point.content.text)
    return str(uuid5(NAMESPACE, "\0".join((scope.writes, point.document, str(point.position), text))))


def read_hit(point: Scored, *, scope: Scope, scale: float) -> Hit:
    """Raises SealError for a content that does not open."""
    payload = point.payload or {}
    is_shared = payload[TENANT_FIELD] == SHARED
    return Hit(
        id=str(point.id),
        score=point.score / scale,
        is_shared=is_shared,
        document=payload["doc"],
        position=payload["position"],
        chunk=payload["chunk"],
        lang=payload["lang"],
        kind=payload["kind"],
        version=payload["version"],
        ts=payload["ts"],
        content=read_content(payload, scope=scope),
    )


def _describe(scope: Scope, point: Point) -> dict[str, Any]:
    return {
        TENANT_FIELD: scope.writes,
        "doc": point.document,
        "chunk": point.chunk,
        "position": point.position,
        "lang": point.lang,
        "kind": point.kind,
        "version": point.version,
        "ts": point.ts,
        **store_content(scope, point.content, document=point.document, position=point.position),
    }
