"""Qdrant's requests, as far as they are served; an unknown field is refused, for to ignore it would be to lie.

Names and shapes are those of Qdrant's OpenAPI. Unions that only differ by their fields are one struct with all of them
optional: msgspec reads those fast, and the translation refuses what does not belong together.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

PointId = int | UUID
Dense = list[float | list[float]]  # one vector, or several (a multivector)
Payload = dict[str, Any]
Selector = bool | list[str] | None
Memory = Literal["cold", "cached", "pinned"]


class Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The ground of all of them."""


class Sparse(Struct, frozen=True):
    indices: list[int]
    values: list[float]


class Match(Struct, frozen=True, rename={"except_": "except"}):
    value: str | int | bool | None = None
    any: list[str | int] | None = None
    except_: list[str | int] | None = None
    text: str | None = None


class Range(Struct, frozen=True):
    gt: float | str | None = None
    gte: float | str | None = None
    lt: float | str | None = None
    lte: float | str | None = None


class PayloadField(Struct, frozen=True):
    key: str


class MinShould(Struct, frozen=True):
    conditions: "list[Condition]"
    min_count: int


class Condition(Struct, frozen=True):
    """A condition on a field, on the id, on a vector, or a filter in a filter."""

    key: str | None = None
    match: Match | None = None
    range: Range | None = None
    is_empty: PayloadField | bool | None = None
    is_null: PayloadField | bool | None = None
    has_id: list[PointId] | None = None
    has_vector: str | None = None
    must: "list[Condition] | Condition | None" = None
    should: "list[Condition] | Condition | None" = None
    must_not: "list[Condition] | Condition | None" = None
    min_should: MinShould | None = None


class Filter(Struct, frozen=True):
    must: list[Condition] | Condition | None = None
    should: list[Condition] | Condition | None = None
    must_not: list[Condition] | Condition | None = None
    min_should: MinShould | None = None


class IdfCorpus(Struct, frozen=True):
    corpus: Filter


class SearchParams(Struct, frozen=True):
    hnsw_ef: int | None = None
    exact: bool | None = None
    indexed_only: bool | None = None
    idf: IdfCorpus | Literal["global"] | None = None


class Rrf(Struct, frozen=True):
    k: Annotated[int, msgspec.Meta(ge=1)] | None = None
    weights: list[float] | None = None


class QuerySpec(Struct, frozen=True):
    """`nearest`, `fusion`, `rrf`, `formula` or a sparse vector: one of them."""

    nearest: Dense | Sparse | None = None
    fusion: Literal["rrf", "dbsf"] | None = None
    rrf: Rrf | None = None
    formula: Any = None
    defaults: dict[str, Any] | None = None
    indices: list[int] | None = None
    values: list[float] | None = None


class Prefetch(Struct, frozen=True):
    prefetch: "list[Prefetch] | Prefetch | None" = None
    query: Dense | QuerySpec | None = None
    using: str | None = None
    filter: Filter | None = None
    params: SearchParams | None = None
    score_threshold: float | None = None
    limit: int | None = None


class Query(Prefetch, frozen=True):
    offset: int | None = None
    with_vector: Selector = None
    with_payload: "PayloadSelector | Selector" = None


class QueryBatch(Struct, frozen=True):
    searches: list[Query]


class PayloadSelector(Struct, frozen=True):
    include: list[str] | None = None
    exclude: list[str] | None = None


class Point(Struct, frozen=True):
    id: PointId
    vector: dict[str, Dense | Sparse]
    payload: Payload | None = None


class Upsert(Struct, frozen=True):
    points: list[Point]
    update_mode: Literal["upsert", "insert_only", "update_only"] | None = None


class PointsSelector(Struct, frozen=True):
    points: list[PointId] | None = None
    filter: Filter | None = None


class PayloadChange(Struct, frozen=True):
    payload: Payload
    points: list[PointId] | None = None
    filter: Filter | None = None
    key: str | None = None


class PointVectors(Struct, frozen=True):
    id: PointId
    vector: dict[str, Dense | Sparse]


class VectorsUpdate(Struct, frozen=True):
    points: list[PointVectors]


class Retrieve(Struct, frozen=True):
    ids: list[PointId]
    with_payload: PayloadSelector | Selector = None
    with_vector: Selector = None


class Scroll(Struct, frozen=True):
    offset: PointId | None = None
    limit: int | None = None
    filter: Filter | None = None
    with_payload: PayloadSelector | Selector = None
    with_vector: Selector = None


class Count(Struct, frozen=True):
    filter: Filter | None = None
    exact: bool | None = None
