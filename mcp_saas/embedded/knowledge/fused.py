"""A query that ranks fusions of legs anew, in a batch where the legs are asked for too: each leg is searched once.

The engine would search a leg for each query that has it. So the legs go first, are fused here as the engine does, and
then their best are ranked, by a condition on their ids, which is how the engine ranks what was prefetched.
"""

from collections.abc import Hashable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from msgspec import structs

from mcp_saas.embedded.knowledge.contract import Condition, Filter, Prefetch, Query, QuerySpec
from mcp_saas.embedded.knowledge.filters import listed
from mcp_saas.embedded.knowledge.queries import DEFAULT_RRF_K, limit_of, prefetches_of, vector_of

Id = TypeVar("Id", bound=Hashable)
Points = Sequence[Mapping[str, Any]]  # as they are answered


class Fusion(NamedTuple):
    """`legs`: where in the batch they are asked for; the best `limit` of them are ranked."""

    legs: tuple[int, ...]
    k: int
    limit: int

    def find_best(self, found: Mapping[int, Points]) -> list[Any]:
        """Their ids."""
        return fuse_ranks([[point["id"] for point in found[leg]] for leg in self.legs], k=self.k)[: self.limit]


class Fused(NamedTuple):
    """The best of each of the fusions are ranked together."""

    query: Query
    fusions: tuple[Fusion, ...]

    def rank(self, found: Mapping[int, Points]) -> Query:
        """The query of the points that the legs found."""
        best = Condition(has_id=[one for fusion in self.fusions for one in fusion.find_best(found)])
        asked = self.query.filter
        also = [] if asked is None else [Condition(**structs.asdict(asked))]
        return structs.replace(self.query, prefetch=None, filter=Filter(must=[best, *also]))


def find_fused(queries: Sequence[Query]) -> dict[int, Fused]:
    """By their place in the batch."""
    read = {place: read_fused(query, queries) for place, query in enumerate(queries)}
    return {place: fused for place, fused in read.items() if fused is not None}


def read_fused(query: Query, queries: Sequence[Query]) -> Fused | None:
    below = prefetches_of(query)
    if not below or query.query is None or vector_of(query.query) is None:
        return None
    read = [read_fusion(one, query, queries=queries) for one in below]
    fusions = tuple(one for one in read if one is not None)
    return Fused(query, fusions) if len(fusions) == len(below) else None


def read_fusion(fusion: Prefetch, query: Query, *, queries: Sequence[Query]) -> Fusion | None:
    """None: not one that is done here, or not of legs that are asked for."""
    k = read_rrf(fusion)
    if k is None:
        return None
    legs = [find_leg(leg, queries) for leg in prefetches_of(fusion) if narrows(leg, fusion) and narrows(leg, query)]
    known = tuple(leg for leg in legs if leg is not None)
    return Fusion(known, k, limit_of(fusion)) if known and len(known) == len(prefetches_of(fusion)) else None


def read_rrf(fusion: Prefetch) -> int | None:
    """Its k; None: it is no reciprocal rank fusion that is done here."""
    asked = fusion.query
    if not isinstance(asked, QuerySpec) or fusion.score_threshold is not None:
        return None
    if asked.rrf is None:
        return DEFAULT_RRF_K if asked.fusion == "rrf" else None
    return None if asked.rrf.weights else asked.rrf.k or DEFAULT_RRF_K


def find_leg(leg: Prefetch, queries: Sequence[Query]) -> int | None:
    """Where in the batch the same is asked for."""
    return next((place for place, query in enumerate(queries) if is_same(leg, query)), None)


def is_same(leg: Prefetch, query: Query) -> bool:
    names = ("using", "limit", "prefetch", "score_threshold", "filter", "params", "query")
    return not leg.prefetch and not query.offset and all(getattr(leg, one) == getattr(query, one) for one in names)


def narrows(leg: Prefetch, above: Prefetch) -> bool:
    """Nothing the leg finds is kept out by a filter above it."""
    if above.filter is None or leg.filter == above.filter:
        return True
    if leg.filter is None or structs.replace(above.filter, must=None) != Filter():
        return False
    mine = listed(leg.filter.must)
    return all(condition in mine for condition in listed(above.filter.must))


def fuse_ranks(lists: Sequence[Sequence[Id]], *, k: int) -> list[Id]:
    """Reciprocal rank fusion as Qdrant does it: sum of 1 / (k + rank), ranks from 0. Of equal ones the first found."""
    scores: dict[Id, float] = {}
    for ranking in lists:
        for rank, one in enumerate(ranking):
            scores[one] = scores.get(one, 0.0) + 1 / (k + rank)
    return [one for one, _ in sorted(scores.items(), key=itemgetter(1), reverse=True)]
