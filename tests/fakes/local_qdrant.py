"""qdrant-client's own imitation of a server, in memory, asked as a server is."""

from typing import Any, NamedTuple

import httpx
from qdrant_client import QdrantClient, models


class LocalQdrant(QdrantClient):
    """What its connection would carry to a server, a batch of queries, searches the imitation."""

    def __init__(self) -> None:
        super().__init__(":memory:")

    @property
    def http(self) -> Any:
        return _Apis(_Client())

    @property
    def init_options(self) -> dict[str, Any]:
        return {"api_key": None, "transport": _Transport(self)}


class _Client(NamedTuple):
    host: str = "http://memory"


class _Apis(NamedTuple):
    client: _Client


class _Transport(NamedTuple):
    searched: QdrantClient

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        _, collection, *_ = request.url.path.strip("/").split("/")
        searches = models.QueryRequestBatch.model_validate_json(request.content).searches
        found = self.searched.query_batch_points(collection, searches)
        return httpx.Response(200, json={"result": [one.model_dump(mode="json") for one in found]})
