"""A search on its way to Qdrant and back, through the client's own connection.

Its models look at each number of each vector, on the way out and in, which takes longer than all else it does. So
vectors are put into them unlooked at, and requests are written, and answers read, here.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, convert, json
from pydantic import BaseModel
from qdrant_client import QdrantClient, models

PATH = "/collections/{collection_name}/points/query/batch"
TIMEOUT_S = 4  # a question waits for it


class Scored(Struct, frozen=True):
    """A point that was found. `payload`: where it was asked for."""

    id: str | int
    score: float
    payload: dict[str, Any] | None = None


class Points(Struct, frozen=True):
    points: list[Scored]


class Reply(Struct, frozen=True):
    result: list[Points]


def ask(raw: QdrantClient, *, collection: str, requests: Sequence[models.QueryRequest]) -> list[list[Scored]]:
    """The points of each request. Raises what the client does, and ValidationError for what is no answer to it."""
    said = raw.http.client.request(
        type_=dict,
        method="POST",
        url=PATH,
        path_params={"collection_name": collection},
        params={"timeout": str(TIMEOUT_S)},
        headers={"Content-Type": "application/json"},
        content=encode(requests),
    )
    return [answer.points for answer in convert(said, Reply).result]


def encode(requests: Sequence[models.QueryRequest]) -> bytes:
    """As the client would write them."""
    return json.encode({"searches": requests}, enc_hook=_describe)


def _describe(model: Any) -> dict[str, Any]:
    """Of what we ask with, no field has another name in JSON than in the model."""
    if not isinstance(model, BaseModel):
        raise NotImplementedError(f"{type(model)} is no part of a request")
    return {name: value for name, value in vars(model).items() if value is not None}
