"""Which operation a method and path name, and how its body is read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import msgspec

from mcp_saas.embedded.knowledge import contract, points, shape
from mcp_saas.embedded.knowledge.catalog import Catalog
from mcp_saas.embedded.knowledge.collection import Collection
from mcp_saas.embedded.knowledge.describe import describe_collection
from mcp_saas.embedded.knowledge.refusal import BAD_REQUEST, NOT_FOUND, RefusalError, wrong_input

SHAPE: "msgspec.json.Decoder[shape.Shape]" = msgspec.json.Decoder(shape.Shape)
NEW_VECTOR: "msgspec.json.Decoder[shape.NewVector]" = msgspec.json.Decoder(shape.NewVector)


class Operation(Protocol):
    """Answers Qdrant's `result`; `parameters` are what `*` stands for in the path. Raises RefusalError."""

    def __call__(self, catalog: Catalog, parameters: tuple[str, ...], *, raw: bytes) -> Any: ...


@dataclass(frozen=True, slots=True)
class Route:
    """`path`: its segments; `*` stands for any and becomes a parameter."""

    method: str
    path: tuple[str, ...]
    operation: Operation

    def match(self, method: str, segments: tuple[str, ...]) -> tuple[str, ...] | None:
        if method != self.method or len(segments) != len(self.path):
            return None
        pairs = list(zip(self.path, segments, strict=True))
        if any(expected not in {"*", found} for expected, found in pairs):
            return None
        return tuple(found for expected, found in pairs if expected == "*")


def find_operation(method: str, segments: tuple[str, ...]) -> tuple[Operation, tuple[str, ...]]:
    """The operation and its parameters. Raises RefusalError."""
    for route in ROUTES:
        if (parameters := route.match(method, segments)) is not None:
            return route.operation, parameters
    raise RefusalError(NOT_FOUND, f"Not found: {method} /{'/'.join(segments)} is not served here")


def read_body(body: bytes, decoder: "msgspec.json.Decoder[Any]") -> Any:
    """Raises RefusalError for a body that is not of the operation's form."""
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RefusalError(BAD_REQUEST, f"Format error in JSON body: {error}") from None


def split(path: str) -> tuple[str, ...]:
    return tuple(segment for segment in path.split("/") if segment)


def on_points(method: str, path: str, *, body: type, run: Callable[[Collection, Any], Any]) -> Route:
    """An operation on a collection, with a body; `path` is what follows its name."""
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(body)

    def operation(catalog: Catalog, parameters: tuple[str, ...], *, raw: bytes) -> Any:
        return run(catalog.get(parameters[0]), read_body(raw, decoder))

    return Route(method, split(f"/collections/*/{path}"), operation)


def on_name(method: str, path: str, *, run: Callable[..., Any]) -> Route:
    """An operation without a body, on the name of a collection and what `*` stands for in `path`."""

    def operation(catalog: Catalog, parameters: tuple[str, ...], *, raw: bytes) -> Any:
        return run(catalog, *parameters)

    return Route(method, split(f"/collections/*/{path}"), operation)


def create_collection(catalog: Catalog, parameters: tuple[str, ...], *, raw: bytes) -> bool:
    return catalog.create(parameters[0], read_body(raw, SHAPE))


def add_vector(catalog: Catalog, parameters: tuple[str, ...], *, raw: bytes) -> dict[str, Any]:
    name, vector = parameters
    return catalog.get(name).add_vector(vector, read_body(raw, NEW_VECTOR))


def list_collections(catalog: Catalog, parameters: tuple[str, ...], *, raw: bytes) -> dict[str, Any]:
    return {"collections": [{"name": name} for name in catalog.names()]}


def read_point_id(text: str) -> int | UUID:
    try:
        return int(text) if text.isascii() and text.isdigit() else UUID(text)
    except ValueError:
        raise wrong_input(f"{text!r} is neither a number nor a UUID") from None


def read_point(catalog: Catalog, name: str, *, point: str) -> Any:
    return points.retrieve_one(catalog.get(name), read_point_id(point))


ROUTES = (
    on_points("POST", "points/query", body=contract.Query, run=points.query),
    on_points("POST", "points/query/batch", body=contract.QueryBatch, run=points.query_batch),
    on_points("PUT", "points", body=contract.Upsert, run=points.upsert),
    on_points("POST", "points", body=contract.Retrieve, run=points.retrieve),
    on_points("POST", "points/delete", body=contract.PointsSelector, run=points.delete),
    on_points("PUT", "points/vectors", body=contract.VectorsUpdate, run=points.update_vectors),
    on_points("POST", "points/payload", body=contract.PayloadChange, run=points.set_payload),
    on_points("POST", "points/scroll", body=contract.Scroll, run=points.scroll),
    on_points("POST", "points/count", body=contract.Count, run=points.count),
    on_points("PUT", "index", body=shape.NewIndex, run=lambda found, new: found.add_index(new)),
    on_points("PATCH", "", body=shape.ShapeChange, run=lambda found, change: found.change(change)),
    on_name("GET", "points/*", run=lambda catalog, name, point: read_point(catalog, name, point=point)),
    on_name("DELETE", "index/*", run=lambda catalog, name, field: catalog.get(name).remove_index(field)),
    on_name("DELETE", "vectors/*", run=lambda catalog, name, vector: catalog.get(name).remove_vector(vector)),
    on_name("GET", "exists", run=lambda catalog, name: {"exists": catalog.has(name)}),
    on_name("GET", "", run=lambda catalog, name: describe_collection(catalog.get(name))),
    on_name("DELETE", "", run=lambda catalog, name: catalog.delete(name)),
    Route("PUT", split("/collections/*"), create_collection),
    Route("PUT", split("/collections/*/vectors/*"), add_vector),
    Route("GET", split("/collections"), list_collections),
)
