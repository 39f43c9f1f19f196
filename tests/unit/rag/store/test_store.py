"""What every Qdrant must do for us: one behaviour, whatever it is made of."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from msgspec.structs import replace

from mcp_saas.kit.crypto import SealBrokenError
from rag.sources.qdrant import scope
from rag.sources.qdrant.border import Border
from rag.sources.qdrant.collection import FULL_SCAN
from rag.sources.qdrant.errors import ModelMismatchError, ScopeError
from rag.sources.qdrant.point import Dbsf, Hit, Query, Rrf
from rag.sources.qdrant.store import Store
from tests.points import DIMENSION, Tenant, direction, make_model, make_point


@pytest.fixture
def alice() -> Iterator[Tenant]:
    return Tenant()


@pytest.fixture
def bob() -> Iterator[Tenant]:
    return Tenant()


def texts(hits: list[Hit]) -> list[str]:
    return [hit.content.text for hit in hits if hit.content]


def test_a_tenant_finds_its_own_points_and_the_shared_ones(store: Store, alice: Tenant, bob: Tenant) -> None:
    store.upsert(scope.shared(), [make_point("for all")])
    for tenant in (alice, bob):
        with tenant.enter():
            store.upsert(scope.own(tenant.id), [make_point(f"of {tenant.id}")])
    with alice.enter():
        [hits] = store.search(scope.of_tenant(alice.id), [Query(dense=direction(1.0))])
    assert set(texts(hits)) == {"for all", f"of {alice.id}"}
    assert {hit.is_shared for hit in hits} == {True, False}


def test_one_request_answers_several_queries_in_their_order(store: Store) -> None:
    store.upsert(scope.shared(), [make_point("en", 0), make_point("fr", 1, lang="fr")])
    queries = [Query(dense=direction(1.0), lang=lang) for lang in ("fr", "en", "fr")]
    assert [texts(hits) for hits in store.search(scope.shared(), queries)] == [["fr"], ["en"], ["fr"]]


@pytest.mark.parametrize("fusion", [Rrf(k=2), Rrf(k=10, weights=(0.5, 2.0)), Dbsf()])
def test_dense_and_terms_are_fused(store: Store, fusion: Rrf | Dbsf) -> None:
    points = [
        make_point("dense", 0, dense=direction(1.0), terms={1: 1.0}),
        make_point("terms", 1, dense=direction(0.0, 1.0), terms={2: 1.0}),
        make_point("both", 2, dense=direction(1.0, 0.2), terms={2: 1.5}),
    ]
    store.upsert(scope.shared(), points)
    [hits] = store.search(scope.shared(), [Query(dense=direction(1.0), terms={2: 1.0}, fusion=fusion)])
    assert texts(hits)[0] == "both"
    assert set(texts(hits)) == {"dense", "terms", "both"}


def test_token_vectors_rank_what_was_found_anew(store: Store) -> None:
    near, far = np.eye(2, DIMENSION, dtype=np.float32), np.eye(2, DIMENSION, k=4, dtype=np.float32)
    points = [make_point("far", 0, tokens=far), make_point("near", 1, dense=direction(1.0, 0.5), tokens=near)]
    store.upsert(scope.shared(), points)
    plain, ranked = store.search(
        scope.shared(), [Query(dense=direction(1.0)), Query(dense=direction(1.0), terms={7: 1.0}, tokens=near)]
    )
    assert texts(plain) == ["far", "near"]
    assert texts(ranked) == ["near", "far"]
    assert ranked[0].score == pytest.approx(2.0, abs=1e-3)


def test_tokens_rank_the_best_of_what_was_found_and_no_more(store: Store) -> None:
    tokens = np.eye(1, DIMENSION, dtype=np.float32)
    points = [
        make_point("near", 0, tokens=tokens),
        make_point("less", 1, dense=direction(1.0, 0.5), tokens=tokens),
        make_point("far", 2, dense=direction(1.0, 1.0), tokens=2 * tokens),
    ]
    store.upsert(scope.shared(), points)
    [ranked] = store.search(scope.shared(), [Query(dense=direction(1.0), tokens=tokens, ranked=2)])
    assert set(texts(ranked)) == {"near", "less"}


def test_the_best_of_several_queries_are_ranked_together(store: Store) -> None:
    near, far = np.eye(1, DIMENSION, dtype=np.float32), 0.5 * np.eye(1, DIMENSION, dtype=np.float32)
    points = [
        make_point("far", 0, terms={7: 2.0}, tokens=far),
        make_point("less", 1, dense=direction(1.0, 0.5), tokens=near),
        make_point("proche", 2, lang="fr", dense=direction(0.0, 1.0), tokens=near),
    ]
    store.upsert(scope.shared(), points)
    asked = [Query(dense=direction(1.0), terms={7: 1.0}, lang=lang) for lang in ("en", "fr")]
    best = tuple(replace(query, ranked=1) for query in asked)
    [ranked, *_] = store.search(scope.shared(), [Query(tokens=near, best_of=best), *asked])
    assert texts(ranked) == ["proche", "far"]


def test_hits_can_be_asked_for_again_among_their_ids(store: Store) -> None:
    store.upsert(scope.shared(), [make_point(str(number), number) for number in range(5)])
    [first] = store.search(scope.shared(), [Query(dense=direction(1.0), limit=2)])
    [again] = store.search(scope.shared(), [Query(dense=direction(1.0), among=tuple(hit.id for hit in first))])
    assert {hit.id for hit in again} == {hit.id for hit in first}


def test_what_is_only_rated_comes_as_scores_of_the_scope_s_points(store: Store, alice: Tenant, bob: Tenant) -> None:
    for tenant in (alice, bob):
        with tenant.enter():
            store.upsert(scope.own(tenant.id), [make_point("own", terms={7: 1.0})])
    with alice.enter():
        found = store.search_and_rate(
            scope.own(alice.id), [Query(dense=direction(1.0))], rated=[Query(terms={7: 1.0}), Query(terms={8: 1.0})]
        )
    [[hit]] = found.hits
    assert [list(scores) for scores in found.scores] == [[hit.id], []]


def test_the_same_point_again_changes_nothing(store: Store, alice: Tenant) -> None:
    with alice.enter():
        for _ in range(2):
            store.upsert(scope.own(alice.id), [make_point("once", number) for number in range(150)])
        assert store.count(scope.own(alice.id)) == 150


def test_a_new_version_replaces_the_former(store: Store, alice: Tenant) -> None:
    with alice.enter():
        mine = scope.own(alice.id)
        store.upsert(mine, [make_point("stays", 0), make_point("goes", 1)])
        store.upsert(mine, [make_point("stays", 0, version=2), make_point("comes", 1, version=2)])
        store.delete_document(mine, "guide", but_version=2)
        [hits] = store.search(mine, [Query(dense=direction(1.0))])
    assert set(texts(hits)) == {"stays", "comes"}


def test_a_document_is_deleted_for_its_tenant_alone(store: Store, alice: Tenant, bob: Tenant) -> None:
    for tenant in (alice, bob):
        with tenant.enter():
            store.upsert(scope.own(tenant.id), [make_point("a", 0), make_point("b", 1, document="other")])
    with alice.enter():
        store.delete_document(scope.own(alice.id), "guide")
        assert store.count(scope.own(alice.id)) == store.count(scope.own(alice.id), document="other") == 1
    with bob.enter():
        assert store.count(scope.own(bob.id)) == 2


def test_another_model_on_the_same_store_is_stopped_with_a_hint(border: Border, prefix: str, store: Store) -> None:
    store.upsert(scope.shared(), [make_point("old")])
    other = Store(border, prefix=prefix, model=make_model(id="other", dimension=4))
    with pytest.raises(ModelMismatchError, match="migrate_embeddings"):
        other.search(scope.shared(), [Query(dense=direction(1.0)[:4])])
    assert Store(border, prefix=f"{prefix}-other", model=make_model(id="other")).count(scope.shared()) == 0


def test_many_processes_may_set_it_up_at_once(border: Border, prefix: str) -> None:
    """The local imitation cannot be shared by threads, so it has one after the other."""
    is_real = border.place != "memory"
    start = threading.Barrier(4 if is_real else 1)

    def set_up(_: int) -> str:
        start.wait(timeout=60)
        return Store(border, prefix=prefix, model=make_model()).collection.name

    with ThreadPoolExecutor(4 if is_real else 1) as pool:
        names = set(pool.map(set_up, range(4)))
    assert names == {f"{prefix}_test-small_{DIMENSION}"}


def test_the_collection_is_laid_out_for_tenants_and_says_of_which_model_it_is(border: Border, store: Store) -> None:
    info = border.call(lambda raw: raw.get_collection(store.collection.name))
    params = info.config.params
    assert info.config.metadata == {
        "model": "test/small",
        "dimension": DIMENSION,
        "vector": "dense",
        "tokens": "tok",
        "next": None,
    }
    assert params.vectors["tok"].multivector_config.comparator == "max_sim"
    assert params.sparse_vectors["bm25"].modifier == "idf"
    assert params.sparse_vectors["bm25"].index.full_scan_threshold == FULL_SCAN
    if border.place != "memory":
        assert (info.config.hnsw_config.m, info.config.hnsw_config.payload_m) == (0, 16)
        assert info.payload_schema["tenant"].params.is_tenant
        assert set(info.payload_schema) == {"tenant", "doc", "lang", "version", "kid"}
        assert info.config.strict_mode_config.unindexed_filtering_update is False


def test_what_is_stored_of_a_tenant_has_none_of_its_words(border: Border, store: Store, alice: Tenant) -> None:
    with alice.enter():
        mine = scope.own(alice.id)
        store.upsert(mine, [make_point("the wallet of the neighbour")])
    [point] = border.call(lambda raw: raw.scroll(store.collection.name, with_payload=True))[0]
    assert set(point.payload) == {
        "tenant", "doc", "chunk", "position", "lang", "kind", "version", "ts", "ct", "kid",
    }  # fmt: skip
    assert "wallet" not in str(point.payload)
    assert "Guide" not in str(point.payload)


def test_a_sealed_text_opens_at_its_own_place_alone(border: Border, store: Store, alice: Tenant, bob: Tenant) -> None:
    """Whoever holds the store can swap texts about, but not unseen."""
    with alice.enter():
        mine = scope.own(alice.id)
        store.upsert(mine, [make_point("one", 0), make_point("two", 1)])
        name = store.collection.name
        first, second = border.call(lambda raw: raw.scroll(name, with_payload=True))[0]
        border.call(lambda raw: raw.set_payload(name, {"ct": second.payload["ct"]}, points=[first.id], wait=True))
        with pytest.raises(SealBrokenError):
            store.search(mine, [Query(dense=direction(1.0))])


def test_tokens_are_of_the_shared_corpus_alone(store: Store, alice: Tenant) -> None:
    with alice.enter(), pytest.raises(ScopeError):
        store.upsert(scope.own(alice.id), [make_point("x", tokens=np.eye(2, DIMENSION, dtype=np.float32))])


def test_a_scope_is_of_no_use_behind_another_door(store: Store, alice: Tenant, bob: Tenant) -> None:
    with alice.enter():
        mine = scope.own(alice.id)
        store.upsert(mine, [make_point("sealed")])
    with bob.enter():
        with pytest.raises(ScopeError):
            store.upsert(mine, [make_point("sealed")])
        with pytest.raises(ScopeError):
            store.search(mine, [Query(dense=direction(1.0))])


def test_what_a_departed_tenant_left_is_counted_and_deleted(store: Store, alice: Tenant, bob: Tenant) -> None:
    for tenant in (alice, bob):
        with tenant.enter():
            store.upsert(scope.own(tenant.id), [make_point("x", number) for number in range(3)])
    gone = scope.departed(alice.id)
    assert store.count(gone) == 3
    store.delete_tenant(gone)
    assert (store.count(gone), store.count(scope.departed(bob.id))) == (0, 3)
