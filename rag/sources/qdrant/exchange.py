"""A search on its way to Qdrant and back, over the client's own connections.

Its models look at each number of each vector, on the way out and in, which takes longer than all else it does. So
vectors are put into them unlooked at, and requests are written, and answers read, here. What httpx does around a
request takes as long as to send it, so its transport is asked directly.
"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

import httpx
from msgspec import Struct, json
from pydantic import BaseModel
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

TIMEOUT_S: Final = 4  # a question waits for it
TIMEOUT: Final = {"timeout": httpx.Timeout(TIMEOUT_S).as_dict()}


class Scored(Struct, frozen=True):
    """A point that was found. `payload`: where it was asked for."""

    id: str | int
    score: float
    payload: dict[str, Any] | None = None


class Points(Struct, frozen=True):
    points: list[Scored]


class Reply(Struct, frozen=True):
    result: list[Points]


_replies: Final = json.Decoder(Reply)


def ask(raw: QdrantClient, *, collection: str, requests: Sequence[models.QueryRequest]) -> list[list[Scored]]:
    """The points of each request. Raises what the client does, and MsgspecError for what is no answer to it."""
    url = f"{raw.http.client.host}/collections/{quote(collection, safe='')}/points/query/batch?timeout={TIMEOUT_S}"
    headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip, deflate"}
    if key := raw.init_options["api_key"]:
        headers["api-key"] = key
    request = httpx.Request("POST", url, headers=headers, content=encode(requests), extensions=TIMEOUT)
    try:
        response = raw.init_options["transport"].handle_request(request)
    except httpx.TransportError as error:
        raise ResponseHandlingException(error) from error
    if response.status_code != httpx.codes.OK:
        raise _refuse(response)
    return [answer.points for answer in _replies.decode(response.content).result]


def encode(requests: Sequence[models.QueryRequest]) -> bytes:
    """As the client would write them."""
    return json.encode({"searches": requests}, enc_hook=_describe)


def _describe(model: Any) -> dict[str, Any]:
    """Of what we ask with, no field has another name in JSON than in the model."""
    if not isinstance(model, BaseModel):
        raise NotImplementedError(f"{type(model)} is no part of a request")
    return {name: value for name, value in vars(model).items() if value is not None}


def _refuse(response: httpx.Response) -> Exception:
    """As the client does."""
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS and (pause_s := response.headers.get("Retry-After")):
        return ResourceExhaustedResponse("", pause_s)
    return UnexpectedResponse.for_response(response)
