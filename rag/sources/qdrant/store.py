"""The store of vectors: what is written and asked with a scope, and in no other way.

    store = connect(model)
    store.upsert(scope.own(tenant_id), points)
    [[hit, ...], ...] = store.search(scope.of_tenant(tenant_id), queries)   # one request for all of them

Everything bears being done again. All methods raise StoreError (`rag.sources.qdrant.errors`) when Qdrant fails.
"""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from qdrant_client import QdrantClient, models

from rag.engine.embedding import EmbeddingModel
from rag.sources.qdrant.batch import cut_batches
from rag.sources.qdrant.border import WRITE_TIMEOUT_S, Border
from rag.sources.qdrant.collection import UPSERT_BATCH, Collection, Stored, open_collection
from rag.sources.qdrant.errors import StoreRefusedError, StoreUnavailableError
from rag.sources.qdrant.exchange import Scored, ask
from rag.sources.qdrant.payload import read_hit, store_point
from rag.sources.qdrant.point import Hit, Point, Query
from rag.sources.qdrant.request import Pen, build_request, find_scale
from rag.sources.qdrant.scope import Scope, check_hits, confine, only_writes
from rag.sources.qdrant.seal import is_older, reseal

T = TypeVar("T")


class Found(NamedTuple):
    """`scores`: of each rated query, by id. Whose the point is they do not tell: they count for hits alone."""

    hits: list[list[Hit]]
    scores: list[dict[str, float]]


class Store:
    """Of one embedding model. Safe among threads; not across a fork."""

    def __init__(self, border: Border, *, prefix: str, model: EmbeddingModel) -> None:
        self._border = border
        self.breaker = border.breaker
        self._prefix = prefix
        self._model = model
        self._collection: Collection | None = None
        self._lock = threading.Lock()

    @property
    def collection(self) -> Collection:
        """Found or made with the first use. Raises ModelMismatchError."""
        with self._lock:
            if self._collection is None:
                self._collection = open_collection(self._border, self._prefix, model=self._model)
            return self._collection

    def upsert(self, scope: Scope, points: Sequence[Point]) -> None:
        """Writes the points as the scope's, in batches. Visible to searches when it returns."""
        name, stored = self.collection.name, self.collection.stored
        for batch in cut_batches(points):
            stored_points = [store_point(scope, point, stored=stored) for point in batch]
            self._call(partial(_write, collection=name, batch=stored_points))

    def search(self, scope: Scope, queries: Sequence[Query]) -> list[list[Hit]]:
        """The hits of each query, best first. Raises ForeignPointError for an answer of another tenant."""
        return self.search_and_rate(scope, queries, rated=()).hits

    def search_and_rate(self, scope: Scope, queries: Sequence[Query], *, rated: Sequence[Query]) -> Found:
        """All in one request; of the rated queries come ids and scores alone.

        Raises ForeignPointError for an answer of another tenant.
        """
        if not queries:
            return Found([], [])
        name, stored = self.collection.name, self.collection.stored
        asked = [(query, False) for query in queries] + [(query, True) for query in rated]
        pen = Pen()
        requests = [
            confine(scope, build_request(scope, query, stored=stored, pen=pen, is_rated=is_rated))
            for query, is_rated in asked
        ]
        answers = self._call(partial(ask, collection=name, requests=requests))
        try:
            return _understand(answers, scope, queries=queries, stored=stored, count=len(asked))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            words = f"Qdrant at {self._border.place} answered points that are none of ours: is QDRANT_URL right?"
            raise StoreUnavailableError(words) from error

    def count(self, scope: Scope, *, document: str | None = None) -> int:
        """Points the scope writes, exactly."""
        condition = only_writes(scope, _of_document(document))
        name = self.collection.name
        return self._call(lambda raw: raw.count(name, condition, exact=True)).count

    def delete_document(self, scope: Scope, document: str, *, but_version: int | None = None) -> None:
        """All its points, or those of other versions than the one to keep."""
        self._delete(only_writes(scope, _of_document(document, but_version)))

    def delete_tenant(self, scope: Scope) -> None:
        """Every point the scope writes."""
        self._delete(only_writes(scope))

    def count_sealed_before(self, scope: Scope) -> int:
        """Points the scope writes that are sealed with an older key than its newest."""
        name, condition = self.collection.name, only_writes(scope, is_older(scope))
        return self._call(lambda raw: raw.count(name, condition, exact=True)).count

    def seal_anew(self, scope: Scope) -> int:
        """The next of them are sealed with the newest key. Returns how many: none when all are. Raises SealError."""
        name, condition = self.collection.name, only_writes(scope, is_older(scope))
        found = self._call(partial(_read, collection=name, condition=condition))
        check_hits(scope, [point.payload for point in found])
        for point in found:
            same = models.Filter(must=[condition, models.HasIdCondition(has_id=[point.id])])
            sealed = reseal(point.payload or {}, scope=scope)
            self._call(partial(_seal, collection=name, payload=sealed, condition=same))
        return len(found)

    def close(self) -> None:
        self._border.close()

    def _delete(self, condition: models.Filter) -> None:
        name, selector = self.collection.name, models.FilterSelector(filter=condition)
        self._call(lambda raw: raw.delete(name, selector, wait=True))

    def _call(self, do: Callable[[QdrantClient], T]) -> T:
        """A refusal may mean that the collection changed under us: it is looked at anew with the next call."""
        try:
            return self._border.call(do)
        except StoreRefusedError:
            self._collection = None
            raise


def _understand(
    answers: Sequence[Sequence[Scored]], scope: Scope, *, queries: Sequence[Query], stored: Stored, count: int
) -> Found:
    """Raises ForeignPointError, SealError, and anything for what is no answer of ours."""
    if len(answers) != count:
        raise ValueError(f"{len(answers)} answers to {count} queries")
    found, scored = answers[: len(queries)], answers[len(queries) :]
    check_hits(scope, [point.payload for answer in found for point in answer])
    scales = [find_scale(query, stored=stored) for query in queries]
    hits = [
        [read_hit(point, scope=scope, scale=scale) for point in answer]
        for answer, scale in zip(found, scales, strict=True)
    ]
    return Found(hits, [{str(point.id): point.score for point in answer} for answer in scored])


def _write(raw: QdrantClient, *, collection: str, batch: list[models.PointStruct]) -> None:
    raw.upsert(collection, batch, wait=True, timeout=WRITE_TIMEOUT_S)


def _read(raw: QdrantClient, *, collection: str, condition: models.Filter) -> list[models.Record]:
    found, _ = raw.scroll(collection, condition, limit=UPSERT_BATCH, with_payload=True, with_vectors=False)
    return found


def _seal(raw: QdrantClient, *, collection: str, payload: dict[str, Any], condition: models.Filter) -> None:
    """Nothing where it was written meanwhile, under the newest key."""
    raw.set_payload(collection, payload, points=condition, wait=True)


def _of_document(document: str | None, but_version: int | None = None) -> models.Filter | None:
    if document is None:
        return None
    condition = models.Filter(must=[models.FieldCondition(key="doc", match=models.MatchValue(value=document))])
    if but_version is not None:
        condition.must_not = [models.FieldCondition(key="version", match=models.MatchValue(value=but_version))]
    return condition
