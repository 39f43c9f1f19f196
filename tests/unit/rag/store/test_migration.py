"""Another embedding model takes over."""

from collections.abc import Sequence

import numpy as np
import pytest

from rag.engine.embedding import Embedded
from rag.sources.qdrant import scope
from rag.sources.qdrant.border import Border
from rag.sources.qdrant.errors import ModelMismatchError, StoreRefusedError
from rag.sources.qdrant.migration import Migration, begin_migration
from rag.sources.qdrant.point import Content, Query
from rag.sources.qdrant.store import Store
from tests.points import DIMENSION, Tenant, direction, make_model, make_point
from tests.unit.rag.store.conftest import SERVED

NEW = make_model("new", 4)
# The local imitation knows no names added later.
pytestmark = pytest.mark.parametrize("border", SERVED, indirect=True)
QUESTION = np.array([0, 0, 0, 1], dtype=np.float32)


@pytest.fixture
def alice(store: Store) -> Tenant:
    """With a hundred points of her own; there are two shared ones."""
    tokens = np.eye(2, DIMENSION, dtype=np.float32)
    store.upsert(scope.shared(), [make_point("shared", 0, tokens=tokens), make_point("too", 1, tokens=tokens)])
    tenant = Tenant()
    with tenant.enter():
        store.upsert(scope.own(tenant.id), [make_point(f"sealed {number}", number) for number in range(100)])
    return tenant


def embed(contents: Sequence[Content]) -> list[Embedded]:
    """The last axis is "sealed 7"."""
    return [Embedded(QUESTION if content.text == "sealed 7" else np.roll(QUESTION, 1)) for content in contents]


def embed_shared(contents: Sequence[Content]) -> list[Embedded]:
    return [one._replace(tokens=np.eye(2, 4, dtype=np.float32)) for one in embed(contents)]


def begin(border: Border, prefix: str) -> Migration:
    migration = begin_migration(border, prefix, model=NEW)
    assert migration is not None
    return migration


def migrate(border: Border, prefix: str, alice: Tenant) -> list[int]:
    migration = begin(border, prefix)
    with alice.enter():
        counts = [migration.backfill(scope.own(alice.id), embed)]
    counts.append(migration.backfill(scope.shared(), embed_shared))
    migration.finish()
    return counts


def test_searches_by_the_new_vectors_find_what_was_written_before(border: Border, prefix: str, alice: Tenant) -> None:
    assert migrate(border, prefix, alice) == [100, 2]
    store = Store(border, prefix=prefix, model=NEW)
    with alice.enter():
        query = Query(dense=QUESTION, limit=1)
        ranked = Query(dense=QUESTION, tokens=np.eye(1, 4, dtype=np.float32), part="shared")
        [[hit], by_tokens] = store.search(scope.of_tenant(alice.id), [query, ranked])
        store.upsert(scope.own(alice.id), [make_point("later", 200, dense=QUESTION)])
        assert store.count(scope.own(alice.id)) == 101
    assert hit.content.text == "sealed 7"
    assert len(by_tokens) == 2


def test_the_former_model_serves_until_the_end_and_is_told_then(
    border: Border, prefix: str, store: Store, alice: Tenant
) -> None:
    migration = begin(border, prefix)
    assert len(store.search(scope.shared(), [Query(dense=direction(1.0))])[0]) == 2
    store.upsert(scope.shared(), [make_point("meanwhile", 2)])
    with pytest.raises(StoreRefusedError, match="103 points"):
        migration.finish()
    assert migrate(border, prefix, alice) == [100, 3]
    with pytest.raises(StoreRefusedError):
        store.search(scope.shared(), [Query(dense=direction(1.0))])
    with pytest.raises(ModelMismatchError, match="embedded with new"):
        store.search(scope.shared(), [Query(dense=direction(1.0))])


def test_one_that_was_cut_off_goes_on(border: Border, prefix: str, alice: Tenant) -> None:
    with alice.enter():
        assert begin(border, prefix).backfill(scope.own(alice.id), embed) == 100
    assert migrate(border, prefix, alice) == [0, 2]


def test_there_is_nothing_to_do_for_the_model_in_force(border: Border, prefix: str, alice: Tenant) -> None:
    assert begin_migration(border, prefix, model=make_model()) is None
    assert begin_migration(border, f"{prefix}-other", model=NEW) is None


def test_the_former_vectors_are_dropped(border: Border, prefix: str, alice: Tenant) -> None:
    migrate(border, prefix, alice)
    [one] = [one for one in border.call(lambda raw: raw.get_collections()).collections if prefix in one.name]
    params = border.call(lambda raw: raw.get_collection(one.name)).config.params
    assert set(params.vectors) == {"dense-new_4", "tok-new_4"}
