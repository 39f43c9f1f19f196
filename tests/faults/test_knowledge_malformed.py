"""Bodies no client sends: each is refused in Qdrant's form, changes nothing and ends nothing."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

SHAPE = {
    "vectors": {
        "dense": {"size": 2, "distance": "Cosine"},
        "tok": {"size": 2, "distance": "Cosine", "multivector_config": {"comparator": "max_sim"}},
    },
    "sparse_vectors": {"bm25": {"modifier": "idf"}},
}
POINT = {"id": 1, "vector": {"dense": [1, 0], "tok": [[1, 0]], "bm25": {"indices": [1], "values": [1]}}}
NUMBERS = ["1e39", "-1e39", "1e400", "NaN", "Infinity", "null", '"1"', "true"]
UPSERTS = [
    *(f'{{"id": 1, "vector": {{"dense": [{number}, 0]}}}}' for number in NUMBERS),
    *(f'{{"id": 1, "vector": {{"tok": [[0, 1], [{number}, 0]]}}}}' for number in NUMBERS),
    *(f'{{"id": 1, "vector": {{"bm25": {{"indices": [1], "values": [{number}]}}}}}}' for number in NUMBERS),
    *(f'{{"id": {number}, "vector": {{}}}}' for number in ("-1", str(2**64), "1.5", '"x"', "1" * 400)),
    '{"id": 1, "vector": {"dense": [1]}}',
    '{"id": 1, "vector": {"dense": [1, [2]]}}',
    '{"id": 1, "vector": {"tok": [[1, 2], 3]}}',
    '{"id": 1, "vector": {"bm25": {"indices": [1, 1], "values": [1, 2]}}}',
    '{"id": 1, "vector": {"bm25": {"indices": [4294967296], "values": [1]}}}',
    '{"id": 1, "vector": {"dense": [1, 0]}, "payload": []}',
    '{"id": 1, "vector": {"dense": [1, 0]}, "payload": {"a": 1e400}}',
]
FILTERS = [
    '{"must": ' * 5000 + "{}" + "}" * 5000,
    '{"must": [{}]}',
    '{"must": [{"key": "a"}]}',
    '{"must": [{"key": "a", "has_id": [1]}]}',
    '{"must": [{"key": "a", "match": {"value": 1, "any": [1]}}]}',
    '{"must": [{"key": "a", "match": {"any": [1, "x"]}}]}',
    '{"must": [{"key": "a", "range": {"gt": "x", "lt": 1}}]}',
    '{"must": [{"has_id": [-1]}]}',
    '{"min_should": {"conditions": [], "min_count": -1}}',
    '{"nope": []}',
]
QUERIES = [
    *(f'{{"query": [{number}, 0], "using": "dense"}}' for number in NUMBERS),
    *(f'{{"query": [1, 0], "using": "dense", "limit": {limit}}}' for limit in ("-1", str(2**64), "1.5", '"5"')),
    *(f'{{"query": [1, 0], "using": "dense", "filter": {found}}}' for found in FILTERS),
    *(f'{{"prefetch": {{"query": [1, 0], "using": "dense"}}, "query": {{"rrf": {{"k": {k}}}}}}}' for k in (-1, 0)),
    '{"prefetch": {"query": [1, 0], "using": "dense"}, "query": {"rrf": {"weights": [1, 2, 3]}}}',
    '{"query": [1, 0], "using": "dense", "prefetch": ' + '{"prefetch": ' * 60 + "{}" + "}" * 61,
    '{"query": {"indices": [1], "values": [1e39]}, "using": "bm25"}',
    '{"query": [1, 0], "using": "bm25"}',
    '{"query":',
    "[]",
    "",
]
SIZES = ["0", "-1", str(2**40), "1.5"]


@pytest.fixture
def client(knowledge_url: str, knowledge_key: str) -> Iterator[httpx.Client]:
    headers = {"api-key": knowledge_key}
    with httpx.Client(base_url=knowledge_url, headers=headers, trust_env=False, timeout=90) as client:
        yield client


@pytest.fixture
def collection(client: httpx.Client) -> Iterator[str]:
    path = f"/collections/kb_{uuid4().hex}"
    assert client.put(path, json=SHAPE).is_success
    assert client.put(f"{path}/points", json={"points": [POINT]}).is_success
    yield path
    client.delete(path)


def test_points_that_are_none_are_refused_and_what_is_there_stays(client: httpx.Client, collection: str) -> None:
    path = f"{collection}/points"
    before = client.get(f"{path}/1").json()["result"]
    for point in UPSERTS:
        expect_refusal(client.put(path, content=f'{{"points": [{point}]}}'), point)
    assert client.get(f"{path}/1").json()["result"] == before


def test_questions_that_are_none_are_refused_and_the_next_is_answered(client: httpx.Client, collection: str) -> None:
    for query in QUERIES:
        expect_refusal(client.post(f"{collection}/points/query", content=query), query)
    found = client.post(f"{collection}/points/query", json={"query": [1, 0], "using": "dense", "limit": 2**62})
    assert [point["id"] for point in found.json()["result"]["points"]] == [1]


@pytest.mark.parametrize("size", SIZES)
def test_vectors_of_no_size_or_of_a_huge_one_are_refused(client: httpx.Client, size: str) -> None:
    name = f"kb_{uuid4().hex}"
    body = f'{{"vectors": {{"dense": {{"size": {size}, "distance": "Cosine"}}}}}}'
    expect_refusal(client.put(f"/collections/{name}", content=body), body)
    assert name not in client.get("/collections").text


def expect_refusal(answer: httpx.Response, body: str) -> None:
    assert answer.is_client_error, (body[:200], answer.text)
    assert answer.json()["status"]["error"], body[:200]
