"""A query in Qdrant's words. Whose points it searches is not said here: the scope is put on afterwards.

Vectors are put into the client's models unlooked at: to check each number takes longer than to search.
"""

from typing import Any, Final

import numpy as np
from msgspec import Raw, json
from qdrant_client import models

from rag.sources.qdrant.collection import TERMS, Stored
from rag.sources.qdrant.point import MAX_LIMIT, Query, Rrf, Vector
from rag.sources.qdrant.scope import Scope, narrow_part

# Vectors are sent in whole numbers, which JSON takes a fifth of the time for. Cosines do not ask how long a vector is.
DENSE_SCALE: Final = 1e6
# Tokens are compared in half precision, whose largest number is 65,504. MaxSim is linear in them, so its scores are
# divided by this.
TOKEN_SCALE: Final = 2.0**15


class Pen:
    """Writes vectors as JSON, each once however many queries of a request have it. What is stored is no more exact."""

    def __init__(self) -> None:
        self._written: dict[int, tuple[Vector, Raw]] = {}

    def write(self, vector: Vector) -> Any:
        return self._write(vector, DENSE_SCALE)

    def write_tokens(self, tokens: Vector) -> Any:
        return self._write(tokens, TOKEN_SCALE)

    def _write(self, vector: Vector, scale: float) -> Raw:
        """The vector is kept too, so that its id stays its own."""
        if id(vector) not in self._written:
            whole = np.rint(vector.astype(float) * scale).astype(int)
            self._written[id(vector)] = vector, Raw(json.encode(whole.tolist()))
        return self._written[id(vector)][1]


def build_request(
    scope: Scope, query: Query, *, stored: Stored, pen: Pen, is_rated: bool = False
) -> models.QueryRequest:
    """Legs, fused where there are two, ranked by tokens where there are some; `is_rated`: ids and scores are enough.

    Raises ValueError for no leg at all.
    """
    condition = _narrow(scope, query)
    tokens = query.tokens if stored.tokens is not None else None
    below = query.best_of or (query,)
    built = [_build_step(scope, one, stored=stored, pen=pen, is_ranked=tokens is not None) for one in below]
    steps = [step for step in built if step is not None]
    if tokens is not None:
        written = pen.write_tokens(tokens)
        step = models.Prefetch.model_construct(
            prefetch=steps or None, query=written, using=stored.tokens, filter=condition
        )
    elif len(steps) == 1:
        [step] = steps
    else:
        raise ValueError("a query has at least one of dense, terms and tokens")
    return models.QueryRequest.model_construct(
        prefetch=step.prefetch,
        query=step.query,
        using=step.using,
        filter=condition,
        params=step.params,
        limit=min(query.limit, MAX_LIMIT),
        with_payload=not is_rated,
        with_vector=False,
    )


def find_scale(query: Query, *, stored: Stored) -> float:
    """By how much the scores of its hits are too large."""
    return TOKEN_SCALE if query.tokens is not None and stored.tokens is not None else 1.0


def _build_step(scope: Scope, query: Query, *, stored: Stored, pen: Pen, is_ranked: bool) -> models.Prefetch | None:
    """None: the query has no leg."""
    legs = _build_legs(query, _narrow(scope, query), vector=stored.vector, pen=pen)
    limit = query.ranked if is_ranked else query.candidates
    if len(legs) == 1:
        return legs[0].model_copy(update={"limit": limit})
    return models.Prefetch.model_construct(prefetch=legs, query=_fuse(query), limit=limit) if legs else None


def _build_legs(query: Query, condition: models.Filter | None, *, vector: str, pen: Pen) -> list[models.Prefetch]:
    legs = []
    limit = min(query.candidates, MAX_LIMIT)
    if query.dense is not None:
        dense = pen.write(query.dense)
        legs.append(models.Prefetch.model_construct(query=dense, using=vector, filter=condition, limit=limit))
    if query.terms:
        sparse = models.SparseVector(indices=list(query.terms), values=list(query.terms.values()))
        corpus = (
            models.SearchParams.model_construct(idf=models.IdfCorpusParams(corpus=condition)) if condition else None
        )
        legs.append(
            models.Prefetch.model_construct(query=sparse, using=TERMS, filter=condition, limit=limit, params=corpus)
        )
    return legs


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
