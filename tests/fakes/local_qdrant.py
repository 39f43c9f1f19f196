"""qdrant-client's own imitation of a server, in memory, asked as a server is."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from qdrant_client import QdrantClient, models


class LocalQdrant(QdrantClient):
    """Its generated API, which a server is searched by, searches the imitation."""

    def __init__(self) -> None:
        super().__init__(":memory:")

    @property
    def http(self) -> Any:
        return _Apis(_SearchApi(self))


class _SearchApi(NamedTuple):
    client: QdrantClient

    def query_batch_points(
        self, name: str, *, query_request_batch: models.QueryRequestBatch, timeout: int
    ) -> "_Answer":
        return _Answer(self.client.query_batch_points(name, query_request_batch.searches))


class _Apis(NamedTuple):
    search_api: _SearchApi


class _Answer(NamedTuple):
    result: Sequence[models.QueryResponse]
