"""The knowledge service as qdrant-client uses it: what is written is found, by the tenant it belongs to alone."""

import warnings
from collections.abc import Iterator
from uuid import uuid4

import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

ALICE = models.Filter(must=[models.FieldCondition(key="tenant", match=models.MatchAny(any=["alice"]))])


@pytest.fixture
def client(knowledge_url: str, knowledge_key: str) -> Iterator[QdrantClient]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Api key is used with an insecure connection")
        client = QdrantClient(url=knowledge_url, api_key=knowledge_key, timeout=90)
    yield client
    client.close()


@pytest.fixture
def collection(client: QdrantClient) -> Iterator[str]:
    """Two points of alice and one of bob, each with all three kinds of vector."""
    name = f"kb_{uuid4().hex}"
    client.create_collection(
        name,
        vectors_config={
            "dense": models.VectorParams(size=3, distance=models.Distance.COSINE),
            "tok": models.VectorParams(
                size=3,
                distance=models.Distance.COSINE,
                datatype=models.Datatype.FLOAT16,
                multivector_config=models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM),
                hnsw_config=models.HnswConfigDiff(m=0),
            ),
        },
        sparse_vectors_config={"bm25": models.SparseVectorParams(modifier=models.Modifier.IDF)},
        hnsw_config=models.HnswConfigDiff(m=0, payload_m=16),
        strict_mode_config=models.StrictModeConfig(
            enabled=True, max_query_limit=50, unindexed_filtering_retrieve=False, search_allow_exact=False
        ),
        metadata={"model": "test"},
    )
    tenant = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
    client.create_payload_index(name, "tenant", tenant)
    client.upsert(
        name,
        [
            make_point(1, "alice", dense=[1.0, 0.0, 0.0]),
            make_point(2, "alice", dense=[0.0, 1.0, 0.0]),
            make_point(3, "bob", dense=[1.0, 0.0, 0.0]),
        ],
    )
    yield name
    client.delete_collection(name)


def make_point(number: int, tenant: str, *, dense: list[float]) -> models.PointStruct:
    vectors = {
        "dense": dense,
        "tok": [dense, [0.0, 0.0, 1.0]],
        "bm25": models.SparseVector(indices=[7], values=[1 / number]),
    }
    return models.PointStruct(id=number, vector=vectors, payload={"tenant": tenant})


WORD = models.SparseVector(indices=[7], values=[1.0])
IDF = models.SearchParams(idf=models.IdfCorpusParams(corpus=ALICE))
LEGS = (
    models.Prefetch(query=[1.0, 0.0, 0.0], using="dense", filter=ALICE, limit=5),
    models.Prefetch(query=WORD, using="bm25", filter=ALICE, limit=5, params=IDF),
)
ASKED = [models.QueryRequest(**leg.model_dump(exclude_none=True)) for leg in LEGS]


def ask_in_stages(*, ranked: int = 5, narrowed_to: models.Filter = ALICE) -> models.QueryRequest:
    fused = models.Prefetch(
        prefetch=list(LEGS), query=models.RrfQuery(rrf=models.Rrf(k=2)), filter=narrowed_to, limit=ranked
    )
    return models.QueryRequest(prefetch=fused, query=[[0.0, 1.0, 0.0]], using="tok", filter=ALICE, limit=5)


def test_a_search_in_stages_finds_the_points_of_its_tenant(client: QdrantClient, collection: str) -> None:
    first, second = client.query_batch_points(collection, [ask_in_stages(), ask_in_stages()])

    assert [point.id for point in first.points] == [2, 1]
    assert first == second


@pytest.mark.parametrize("ranked", [1, 5])
@pytest.mark.parametrize("narrowed_to", [ALICE, models.Filter(must=[models.HasIdCondition(has_id=[2])])])
def test_what_is_ranked_is_the_same_whether_or_not_its_legs_are_asked_for_too(
    client: QdrantClient, collection: str, ranked: int, narrowed_to: models.Filter
) -> None:
    asked = ask_in_stages(ranked=ranked, narrowed_to=narrowed_to)
    [alone] = client.query_batch_points(collection, [asked])
    beside, dense, words = client.query_batch_points(collection, [asked, *ASKED])
    assert beside == alone
    assert [point.id for point in dense.points] == [1, 2]
    assert {point.id for point in words.points} == {1, 2}


def test_what_is_ranked_of_two_fusions_is_the_same_whether_or_not_their_legs_are_asked_for_too(
    client: QdrantClient, collection: str
) -> None:
    asked = ask_in_stages(ranked=1)
    asked.prefetch = [asked.prefetch, models.Prefetch(**asked.prefetch.model_dump(exclude={"limit"}), limit=5)]
    [alone] = client.query_batch_points(collection, [asked])
    beside, *_ = client.query_batch_points(collection, [asked, *ASKED])
    assert beside == alone
    assert [point.id for point in beside.points] == [2, 1]


def test_a_deleted_tenant_is_gone_and_the_other_stays(client: QdrantClient, collection: str) -> None:
    client.delete(collection, models.FilterSelector(filter=ALICE))
    assert client.count(collection, count_filter=ALICE).count == 0
    assert [point.id for point in client.scroll(collection)[0]] == [3]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"query": [1.0], "using": "dense", "query_filter": ALICE}, "expected dim: 3, got 1"),
        ({"query": [1.0, 0.0, 0.0], "using": "nope", "query_filter": ALICE}, "Not existing vector name"),
        ({"query": [1.0, 0.0, 0.0], "using": "dense"}, "Use tenant-specific filter"),
        ({"query": [1.0, 0.0, 0.0], "using": "dense", "query_filter": ALICE, "limit": 51}, "Limit exceeded 51 > 50"),
    ],
)
def test_a_wrong_question_is_refused_in_the_words_of_qdrant(
    client: QdrantClient, collection: str, asked: dict, words: str
) -> None:
    with pytest.raises(UnexpectedResponse) as refused:
        client.query_points(collection, **asked)
    assert refused.value.status_code == 400
    assert words in refused.value.structured()["status"]["error"]


def test_a_collection_keeps_what_it_was_made_with(client: QdrantClient, collection: str) -> None:
    info = client.get_collection(collection)
    assert info.config.metadata == {"model": "test"}
    assert info.config.hnsw_config.payload_m == 16
    assert info.payload_schema["tenant"].params.is_tenant
    assert info.points_count == 3
