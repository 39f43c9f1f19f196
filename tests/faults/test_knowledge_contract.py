"""What qdrant-client sends us and what we answer, both held against Qdrant's own OpenAPI document.

The document (qdrant/qdrant, docs/redoc/master/openapi.json at 74f3e85, of 1.19.0, Apache-2.0) is not ours to ship:
`make judge` fetches it, and without it these tests are skipped.
"""

import json
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from openapi_schema_validator import OAS30Validator
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

DOCUMENT = Path(__file__).resolve().parents[2] / "var" / "judge" / "qdrant-openapi.json"
NAME = "urn:qdrant"
ALICE = models.Filter(must=[models.FieldCondition(key="tenant", match=models.MatchAny(any=["alice"]))])
KEYWORD = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
WORD = models.SparseVector(indices=[7], values=[1.0])
TOKENS = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
POINT = models.PointStruct(id=1, vector={"dense": [1, 0, 0], "tok": TOKENS, "bm25": WORD}, payload={"tenant": "alice"})

pytestmark = pytest.mark.skipif(not DOCUMENT.exists(), reason="Qdrant's OpenAPI document is fetched by `make judge`")


class Exchange:
    """Everything that went over the wire, validated as it went."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.operations: set[str] = set()
        self.faults: list[str] = []
        self._paths = document["paths"]
        self._registry = Registry().with_resource(NAME, Resource(document, DRAFT4))

    def record(self, request: httpx.Request, send: Callable[[httpx.Request], httpx.Response]) -> httpx.Response:
        response = send(request)
        template = min((path for path in self._paths if fits(path, request.url.path)), key=lambda path: path.count("{"))
        operation = self._paths[template][request.method.lower()]
        self.operations.add(operation["operationId"])
        if request.content:
            self._check(request.content, operation["requestBody"], place=f"request of {operation['operationId']}")
        status = "200" if response.status_code == 200 else "4XX"
        self._check(response.content, operation["responses"][status], place=f"answer of {operation['operationId']}")
        return response

    def _check(self, content: bytes, described: dict[str, Any], *, place: str) -> None:
        schema = described["content"]["application/json"]["schema"]
        validator = OAS30Validator(schema, registry=self._registry)
        self.faults += [f"{place}: {fault.message[:300]}" for fault in validator.iter_errors(json.loads(content))]


def fits(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path) is not None


@pytest.fixture
def exchange() -> Exchange:
    """Its references get the name of the document, for they are resolved from schemas taken out of it."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return Exchange(json.loads(text.replace('"#/components/', f'"{NAME}#/components/')))


@pytest.fixture
def client(knowledge_url: str, knowledge_key: str, exchange: Exchange) -> Iterator[QdrantClient]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Api key is used with an insecure connection")
        client = QdrantClient(url=knowledge_url, api_key=knowledge_key, timeout=90, check_compatibility=False)
    client.http.client.add_middleware(exchange.record)
    yield client
    client.close()


def make_collection(client: QdrantClient, name: str) -> None:
    max_sim = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
    dense = models.VectorParams(size=3, distance=models.Distance.COSINE)
    tokens = models.VectorParams(
        size=3, distance=models.Distance.COSINE, datatype=models.Datatype.FLOAT16, multivector_config=max_sim
    )
    client.create_collection(
        name,
        vectors_config={"dense": dense, "tok": tokens},
        sparse_vectors_config={"bm25": models.SparseVectorParams(modifier=models.Modifier.IDF)},
        hnsw_config=models.HnswConfigDiff(m=0, payload_m=16),
        strict_mode_config=models.StrictModeConfig(enabled=True, max_query_limit=50),
        metadata={"model": "test"},
    )
    client.create_payload_index(name, "tenant", KEYWORD, wait=True)
    client.update_collection(name, metadata={"more": 1})
    client.create_vector_name(
        name, "v2", models.DenseVectorNameConfig(dense=models.DenseVectorConfig(size=2, distance=models.Distance.DOT))
    )
    client.delete_vector_name(name, "v2")


def change_points(client: QdrantClient, name: str) -> None:
    client.upsert(name, [POINT, models.PointStruct(id=str(uuid4()), vector={}, payload={"tenant": "bob"})], wait=True)
    client.update_vectors(name, [models.PointVectors(id=1, vector={"dense": [0.0, 1.0, 0.0]})])
    client.set_payload(name, {"version": 2}, points=[1])
    client.retrieve(name, [1], with_vectors=True)
    client.scroll(name, scroll_filter=ALICE, limit=1)
    client.count(name, count_filter=ALICE)


def search_points(client: QdrantClient, name: str) -> None:
    idf = models.SearchParams(idf=models.IdfCorpusParams(corpus=ALICE))
    legs = [
        models.Prefetch(query=[1.0, 0.0, 0.0], using="dense", filter=ALICE, limit=5),
        models.Prefetch(query=WORD, using="bm25", filter=ALICE, limit=5, params=idf),
    ]
    fused = models.Prefetch(prefetch=legs, query=models.RrfQuery(rrf=models.Rrf(k=2)), filter=ALICE, limit=5)
    asked = models.QueryRequest(prefetch=fused, query=TOKENS, using="tok", filter=ALICE, limit=5, with_payload=True)
    client.query_batch_points(name, [asked])
    client.query_points(name, prefetch=legs, query=models.FusionQuery(fusion=models.Fusion.DBSF), with_vectors=True)


def test_requests_and_answers_fit_the_published_document(client: QdrantClient, exchange: Exchange) -> None:
    name = f"kb_{uuid4().hex}"
    client.collection_exists(name)
    make_collection(client, name)
    change_points(client, name)
    search_points(client, name)
    client.get_collection(name)
    client.get_collections()
    client.info()
    client.delete(name, models.FilterSelector(filter=ALICE))
    client.delete_payload_index(name, "tenant")
    client.delete_collection(name)

    assert exchange.faults == []
    assert len(exchange.operations) >= 19


def test_a_refusal_fits_the_published_document(client: QdrantClient, exchange: Exchange) -> None:
    with pytest.raises(UnexpectedResponse):
        client.get_collection("nothing_of_that_name")
    assert exchange.faults == []
