"""qdrant-client's own imitation of a server, in memory, asked as a server is."""

from typing import Any, NamedTuple

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

    def request(self, *, path_params: dict[str, str], content: bytes, **_: object) -> dict[str, Any]:
        searches = models.QueryRequestBatch.model_validate_json(content).searches
        found = self.searched.query_batch_points(path_params["collection_name"], searches)
        return {"result": [one.model_dump(mode="json") for one in found]}


class _Apis(NamedTuple):
    client: _Connection
