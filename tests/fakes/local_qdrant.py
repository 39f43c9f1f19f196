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
        return _Apis(_Connection(self))


class _Connection(NamedTuple):
    searched: QdrantClient
    host: str = "http://memory"

    def send_inner(self, request: httpx.Request) -> httpx.Response:
        _, collection, *_ = request.url.path.strip("/").split("/")
        searches = models.QueryRequestBatch.model_validate_json(request.content).searches
        found = self.searched.query_batch_points(collection, searches)
        return httpx.Response(200, json={"result": [one.model_dump(mode="json") for one in found]})


class _Apis(NamedTuple):
    client: _Connection
