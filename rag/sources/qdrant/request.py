"""A query in Qdrant's words. Whose points it searches is not said here: the scope is put on afterwards."""

from typing import Any

from qdrant_client import models

from rag.sources.qdrant.collection import TERMS, Stored
from rag.sources.qdrant.point import MAX_LIMIT, Query, Rrf, Vector
from rag.sources.qdrant.scope import Scope, narrow_part


def build_request(scope: Scope, query: Query, *, stored: Stored, is_rated: bool = False) -> models.QueryRequest:
    """Legs, fused where there are two, ranked by tokens where there are some; `is_rated`: ids and scores are enough.

    Raises ValueError for no leg at all.
    """
    condition = _narrow(scope, query)
    legs = _build_legs(query, condition, vector=stored.vector)
    step = _join(legs, query)
    if query.tokens is not None and stored.tokens is not None:
        tokens = _shorten(query.tokens)
        step = models.Prefetch(prefetch=[step] if legs else None, query=tokens, using=stored.tokens, filter=condition)
    elif not legs:
        raise ValueError("a query has at least one of dense, terms and tokens")
    return models.QueryRequest(
        prefetch=step.prefetch,
        query=step.query,
        using=step.using,
        filter=condition,
        params=step.params,
        limit=min(query.limit, MAX_LIMIT),
        with_payload=not is_rated,
        with_vector=False,
    )


def _build_legs(query: Query, condition: models.Filter | None, *, vector: str) -> list[models.Prefetch]:
    legs = []
    limit = min(query.candidates, MAX_LIMIT)
    if query.dense is not None:
        legs.append(models.Prefetch(query=_shorten(query.dense), using=vector, filter=condition, limit=limit))
    if query.terms:
        sparse = models.SparseVector(indices=list(query.terms), values=list(query.terms.values()))
        corpus = models.SearchParams(idf=models.IdfCorpusParams(corpus=condition)) if condition else None
        legs.append(models.Prefetch(query=sparse, using=TERMS, filter=condition, limit=limit, params=corpus))
    return legs


def _join(legs: list[models.Prefetch], query: Query) -> models.Prefetch:
    limit = query.candidates if query.tokens is None else query.ranked
    if len(legs) == 1:
        return legs[0].model_copy(update={"limit": limit})
    return models.Prefetch(prefetch=legs, query=_fuse(query), limit=limit)


def _shorten(vectors: Vector) -> Any:
    """Eight bytes a number in JSON, not twenty: what is stored is no more exact."""
    return vectors.astype(float).round(6).tolist()


def _fuse(query: Query) -> Any:
    if isinstance(query.fusion, Rrf):
        weights = list(query.fusion.weights) if query.fusion.weights else None
        return models.RrfQuery(rrf=models.Rrf(k=query.fusion.k, weights=weights))
    return models.FusionQuery(fusion=models.Fusion.DBSF)


def _narrow(scope: Scope, query: Query) -> models.Filter | None:
    must: list[Any] = []
    if query.lang:
        must.append(models.FieldCondition(key="lang", match=models.MatchValue(value=query.lang)))
    if query.documents:
        must.append(models.FieldCondition(key="doc", match=models.MatchAny(any=list(query.documents))))
    if query.among:
        must.append(models.HasIdCondition(has_id=list(query.among)))
    part = narrow_part(scope, query.part)
    must += [part] if part else []
    return models.Filter(must=must) if must else None
