"""Operations on the points of a collection: each takes a request and answers Qdrant's `result`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import qdrant_edge as edge

from mcp_saas.embedded.knowledge.collection import Collection, engine_errors
from mcp_saas.embedded.knowledge.contract import (
    Count,
    Filter,
    PayloadChange,
    PointId,
    PointsSelector,
    Query,
    QueryBatch,
    Retrieve,
    Scroll,
    Upsert,
    VectorsUpdate,
)
from mcp_saas.embedded.knowledge.filters import build_filter, translate
from mcp_saas.embedded.knowledge.fused import find_fused
from mcp_saas.embedded.knowledge.queries import build_query, build_selector
from mcp_saas.embedded.knowledge.refusal import not_found, wrong_input
from mcp_saas.embedded.knowledge.strict import check_batch, check_read, check_upsert, check_write
from mcp_saas.embedded.knowledge.vectors import build_vectors, read_vectors

SCROLL_LIMIT = 10
MODES = {
    "upsert": edge.UpdateMode.Upsert,
    "insert_only": edge.UpdateMode.InsertOnly,
    "update_only": edge.UpdateMode.UpdateOnly,
}
Result = dict[str, Any]


def upsert(collection: Collection, request: Upsert) -> Result:
    """Checked whole before any of it is written: one wrong vector refuses all."""
    check_upsert(collection, len(request.points))
    with engine_errors():
        points = [
            edge.Point(point.id, build_vectors(point.vector, collection.shape), point.payload or {})
            for point in request.points
        ]
        mode = MODES[request.update_mode or "upsert"]
        operation = edge.UpdateOperation.upsert_points(points, update_mode=mode)
    return collection.update(operation)


def update_vectors(collection: Collection, request: VectorsUpdate) -> Result:
    check_upsert(collection, len(request.points))
    with engine_errors():
        changed = [
            edge.PointVectors(point.id, build_vectors(point.vector, collection.shape)) for point in request.points
        ]
        operation = edge.UpdateOperation.update_vectors(changed)
    return collection.update(operation)


def delete(collection: Collection, request: PointsSelector) -> Result:
    check_one_of(request)
    check_write(collection, request.filter)
    with engine_errors():
        if request.points is not None:
            operation = edge.UpdateOperation.delete_points(ids_of(request.points))
        else:
            operation = edge.UpdateOperation.delete_points_by_filter(translate(request.filter or Filter()))
    return collection.update(operation)


def set_payload(collection: Collection, request: PayloadChange) -> Result:
    check_one_of(request)
    check_write(collection, request.filter)
    with engine_errors():
        if request.points is not None:
            operation = edge.UpdateOperation.set_payload(ids_of(request.points), request.payload, request.key)
        else:
            chosen = translate(request.filter or Filter())
            operation = edge.UpdateOperation.set_payload_by_filter(chosen, request.payload, request.key)
    return collection.update(operation)


def query(collection: Collection, request: Query) -> Result:
    return query_batch(collection, QueryBatch([request]))[0]


def query_batch(collection: Collection, request: QueryBatch) -> list[Result]:
    check_batch(collection, request.searches)
    fused = find_fused(request.searches)
    found = ask(collection, {place: one for place, one in enumerate(request.searches) if place not in fused})
    found |= ask(collection, {place: one.rank(found) for place, one in fused.items()})
    return [{"points": found[place]} for place in range(len(found))]


def ask(collection: Collection, queries: Mapping[int, Query]) -> dict[int, list[Result]]:
    """What each finds, by its place in the batch."""
    if not queries:
        return {}
    with engine_errors():
        batch = edge.QueryBatchRequest([build_query(each, collection.shape) for each in queries.values()])
    found = collection.ask(lambda shard: shard.query_batch(batch))
    described = [[describe_scored(point) for point in points] for points in found]
    return dict(zip(queries, described, strict=True))


def scroll(collection: Collection, request: Scroll) -> Result:
    limit = SCROLL_LIMIT if request.limit is None else request.limit
    check_read(collection, request.filter, limit=limit)
    with engine_errors():
        asked = edge.ScrollRequest(
            offset=request.offset,
            limit=limit,
            filter=build_filter(request.filter),
            with_payload=build_selector(request.with_payload, default=True),
            with_vector=build_selector(request.with_vector, default=False),
        )
    points, following = collection.ask(lambda shard: shard.scroll(asked))
    return {"points": [describe_record(point) for point in points], "next_page_offset": following}


def count(collection: Collection, request: Count) -> Result:
    check_read(collection, request.filter)
    with engine_errors():
        asked = edge.CountRequest(exact=request.exact is not False, filter=build_filter(request.filter))
    return {"count": collection.ask(lambda shard: shard.count(asked))}


def retrieve(collection: Collection, request: Retrieve) -> list[Result]:
    with_payload = build_selector(request.with_payload, default=True)
    with_vector = build_selector(request.with_vector, default=False)
    found = collection.ask(lambda shard: shard.retrieve(ids_of(request.ids), with_payload, with_vector))
    return [describe_record(point) for point in found]


def retrieve_one(collection: Collection, point_id: PointId) -> Result:
    found = retrieve(collection, Retrieve([point_id], with_vector=True))
    if not found:
        raise not_found(f"Point with id {point_id} does not exists!")
    return found[0]


def ids_of(ids: list[PointId]) -> list[int | UUID | str]:
    """As the engine declares them."""
    return [*ids]


def check_one_of(request: PointsSelector | PayloadChange) -> None:
    if (request.points is None) == (request.filter is None):
        raise wrong_input("name the points or a filter: exactly one of them")


def describe_scored(point: edge.ScoredPoint) -> Result:
    described = {"id": point.id, "version": point.version, "score": point.score}
    return add_contents(described, point)


def describe_record(point: edge.Record) -> Result:
    return add_contents({"id": point.id}, point)


def add_contents(described: Result, point: edge.ScoredPoint | edge.Record) -> Result:
    """Only what was asked for."""
    if (payload := point.payload) is not None:
        described["payload"] = payload
    if (vector := point.vector) is not None:
        described["vector"] = read_vectors(vector)
    return described
