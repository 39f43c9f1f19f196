"""Qdrant's queries as the engine's: prefetches inside prefetches, fused or scored anew, each with its filter."""

from typing import Any

import qdrant_edge as edge

from mcp_saas.embedded.knowledge.contract import (
    Dense,
    PayloadSelector,
    Prefetch,
    Query,
    QuerySpec,
    SearchParams,
    Selector,
    Sparse,
)
from mcp_saas.embedded.knowledge.filters import build_filter
from mcp_saas.embedded.knowledge.refusal import wrong_input
from mcp_saas.embedded.knowledge.shape import Shape
from mcp_saas.embedded.knowledge.vectors import build_vector

DEFAULT_LIMIT = 10
DEFAULT_RRF_K = 2
DEEPEST = 8  # prefetches in one another


def build_query(query: Query, shape: Shape) -> edge.QueryRequest:
    """Raises RefusalError."""
    return edge.QueryRequest(
        limit=limit_of(query),
        offset=query.offset,
        query=build_scoring(query, shape),
        prefetches=build_prefetches(query, shape, depth=1),
        with_vector=build_selector(query.with_vector, default=False),
        with_payload=build_selector(query.with_payload, default=False),
        filter=build_filter(query.filter),
        score_threshold=query.score_threshold,
        params=build_params(query.params),
    )


def build_prefetches(query: Prefetch, shape: Shape, *, depth: int) -> list[edge.Prefetch]:
    if depth > DEEPEST:
        raise wrong_input(f"prefetches go at most {DEEPEST} deep")
    return [
        edge.Prefetch(
            limit=limit_of(prefetch),
            query=build_scoring(prefetch, shape),
            prefetches=build_prefetches(prefetch, shape, depth=depth + 1),
            params=build_params(prefetch.params),
            filter=build_filter(prefetch.filter),
            score_threshold=prefetch.score_threshold,
        )
        for prefetch in prefetches_of(query)
    ]


def prefetches_of(query: Prefetch) -> list[Prefetch]:
    if query.prefetch is None:
        return []
    return query.prefetch if isinstance(query.prefetch, list) else [query.prefetch]


def limit_of(query: Prefetch) -> int:
    return DEFAULT_LIMIT if query.limit is None else query.limit


def build_scoring(query: Prefetch, shape: Shape) -> Any:
    """What gives the points their score; None: nothing does, and they come by id."""
    asked = query.query
    if asked is None:
        return None
    vector = vector_of(asked)
    if vector is not None:
        return build_nearest(vector, shape, using=query.using or "")
    return build_fusion(asked) if isinstance(asked, QuerySpec) else None


def build_nearest(vector: Dense | Sparse, shape: Shape, *, using: str) -> edge.Query:
    return edge.Query.Nearest(build_vector(vector, shape, using=using), using=using)


def vector_of(asked: Dense | QuerySpec) -> Dense | Sparse | None:
    """What the points shall be near to."""
    if isinstance(asked, list):
        return asked
    if asked.indices is not None:
        return Sparse(asked.indices, asked.values or [])
    return asked.nearest


def build_fusion(asked: QuerySpec) -> Any:
    if asked.fusion == "dbsf":
        return edge.Fusion.Dbsf()
    if asked.rrf is not None:
        return edge.Fusion.Rrf(k=DEFAULT_RRF_K if asked.rrf.k is None else asked.rrf.k, weights=asked.rrf.weights)
    if asked.fusion == "rrf":
        return edge.Fusion.Rrf(k=DEFAULT_RRF_K)
    raise wrong_input("a query is a vector, nearest, fusion or rrf: nothing else is served")


def build_params(params: SearchParams | None) -> edge.SearchParams | None:
    if params is None:
        return None
    idf = params.idf
    return edge.SearchParams(
        hnsw_ef=params.hnsw_ef,
        exact=bool(params.exact),
        indexed_only=bool(params.indexed_only),
        idf=None if idf is None or isinstance(idf, str) else edge.IdfParams(build_filter(idf.corpus)),
    )


def build_selector(found: PayloadSelector | Selector, *, default: bool) -> Any:
    if found is None:
        return default
    if not isinstance(found, PayloadSelector):
        return found
    if (found.include is None) == (found.exclude is None):
        raise wrong_input("a selection of the payload names either include or exclude")
    if found.include is not None:
        return edge.PayloadSelector.Include(found.include)
    return edge.PayloadSelector.Exclude(found.exclude or [])
