"""No tenant sees a point of another, however many search, write and leave at once. `make bench` asks 100,000 times."""

import secrets

from rag.sources.qdrant import scope
from rag.sources.qdrant.border import open_border
from rag.sources.qdrant.store import Store
from tests.isolation.knowledge_traffic import run_traffic
from tests.points import make_model


def test_two_thousand_searches_of_many_tenants_at_once_show_nothing_foreign(
    knowledge_url: str, knowledge_key: str
) -> None:
    before = scope.foreign_points.value
    border = open_border(knowledge_url, knowledge_key)
    store = Store(border, prefix=f"test-{secrets.token_hex(6)}", model=make_model())
    traffic = run_traffic(store, tenants=12, queries=2_000, threads=8)
    border.call(lambda raw: raw.delete_collection(store.collection.name))
    border.close()
    assert (traffic.queries, traffic.foreign, traffic.empty) == (2_000, 0, 0)
    assert traffic.changes > 0
    assert scope.foreign_points.value == before
