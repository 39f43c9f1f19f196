"""Another embedding model takes over, while searches go on with the one before.

    1. begin: the new model's vectors get a name beside the old ones, and the collection remembers that they come
    2. backfill, tenant by tenant: points that lack the new vectors are embedded from their text and get them
    3. finish: when no point lacks them, the new model is in force, and the old vectors are dropped

Each step bears being done again: what is left to do is asked of the store.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from qdrant_client import QdrantClient, models

from rag.engine.embedding import Embedded, EmbeddingModel
from rag.sources.qdrant.border import Border
from rag.sources.qdrant.collection import (
    DENSE,
    TOKENS,
    UPSERT_BATCH,
    Collection,
    Metadata,
    Stored,
    dense_params,
    list_collections,
    name_model,
    remember,
    token_params,
)
from rag.sources.qdrant.errors import StoreRefusedError
from rag.sources.qdrant.point import Content
from rag.sources.qdrant.scope import Scope, check_hits, only_writes
from rag.sources.qdrant.seal import read_content

# Contents of one scope to vectors of the new model; token vectors for the shared corpus alone.
Embed = Callable[[Sequence[Content]], Sequence[Embedded]]


class Migration:
    """Of one collection to one model. Searches and writes with the former model go on until `finish`."""

    def __init__(self, border: Border, collection: Collection, *, to: Stored) -> None:
        self._border = border
        self._name = collection.name
        self._former = collection.stored
        self._to = to

    def backfill(self, scope: Scope, embed: Embed) -> int:
        """Points the scope writes that lack the new vectors get them. Returns how many did. Raises StoreError."""
        lacking = only_writes(scope, _lacking(self._to.vector))
        count = 0
        while found := self._border.call(lambda raw: _read(raw, self._name, condition=lacking)):
            check_hits(scope, [point.payload for point in found])
            contents = [read_content(point.payload or {}, scope=scope) for point in found]
            changes = [self._change(point, one) for point, one in zip(found, embed(contents), strict=True)]
            self._border.call(partial(_write, name=self._name, changes=changes))
            count += len(found)
        return count

    def count_lacking(self) -> int:
        """Points of everybody that have no new vectors yet: a number, and nothing else of them."""
        condition = _lacking(self._to.vector)
        return self._border.call(lambda raw: raw.count(self._name, condition, exact=True)).count

    def finish(self) -> None:
        """The new model is in force; who still asks with the former is told so. Raises StoreRefusedError while points
        lack its vectors.
        """
        if lacking := self.count_lacking():
            raise StoreRefusedError(f"{lacking} points have no vectors of {self._to.model} yet: backfill them first")
        force = Metadata(**msgspec.structs.asdict(self._to))
        self._border.call(lambda raw: raw.update_collection(self._name, metadata=remember(force)))
        self._drop_former()

    def _drop_former(self) -> None:
        kept = {self._to.vector, self._to.tokens}
        for vector in (self._former.vector, self._former.tokens):
            if vector is not None and vector not in kept:
                _drop_vector(self._border, self._name, vector=vector)

    def _change(self, point: models.Record, embedding: Embedded) -> models.PointVectors:
        vectors: dict[str, Any] = {self._to.vector: embedding.dense.tolist()}
        if embedding.tokens is not None and self._to.tokens is not None:
            vectors[self._to.tokens] = embedding.tokens.tolist()
        return models.PointVectors(id=point.id, vector=vectors)


def begin_migration(border: Border, prefix: str, *, model: EmbeddingModel) -> Migration | None:
    """To this model; goes on with one that was begun. None where it is in force already, or nothing is stored."""
    found = list_collections(border, prefix)
    if not found or any((one.stored.model, one.stored.dimension) == (model.id, model.dimension) for one in found):
        return None
    if len(found) > 1:
        raise StoreRefusedError(f"which of {', '.join(one.name for one in found)} is to be migrated? Drop the others")
    [collection] = found
    to = _name_vectors(model)
    _add_vectors(border, collection, to=to)
    coming = msgspec.structs.replace(collection.stored, next=to)
    border.call(lambda raw: raw.update_collection(collection.name, metadata=remember(coming)))
    return Migration(border, collection, to=to)


def _name_vectors(model: EmbeddingModel) -> Stored:
    name = name_model(model)
    return Stored(
        model=model.id,
        dimension=model.dimension,
        vector=f"{DENSE}-{name}",
        tokens=f"{TOKENS}-{name}" if model.has_tokens else None,
    )


def _add_vectors(border: Border, collection: Collection, *, to: Stored) -> None:
    present = border.call(lambda raw: raw.get_collection(collection.name)).config.params.vectors or {}
    wanted = {to.vector: dense_params(to.dimension)}
    if to.tokens is not None:
        wanted[to.tokens] = token_params(to.dimension)
    for vector, params in wanted.items():
        if isinstance(present, dict) and vector not in present:
            _add_vector(border, collection.name, vector=vector, params=params)


def _add_vector(border: Border, name: str, *, vector: str, params: models.VectorParams) -> None:
    config = models.DenseVectorNameConfig(
        dense=models.DenseVectorConfig(
            size=params.size,
            distance=params.distance,
            datatype=models.VectorStorageDatatype(params.datatype.value) if params.datatype else None,
            multivector_config=params.multivector_config,
        )
    )
    border.call(lambda raw: raw.create_vector_name(name, vector, config, wait=True))
    if params.hnsw_config is not None:
        change = {vector: models.VectorParamsDiff(hnsw_config=params.hnsw_config)}
        border.call(lambda raw: raw.update_collection(name, vectors_config=change))


def _drop_vector(border: Border, name: str, *, vector: str) -> None:
    border.call(lambda raw: raw.delete_vector_name(name, vector, wait=True))


def _lacking(vector: str) -> models.Filter:
    return models.Filter(must_not=[models.HasVectorCondition(has_vector=vector)])


def _write(raw: QdrantClient, *, name: str, changes: list[models.PointVectors]) -> None:
    raw.update_vectors(name, changes, wait=True)


def _read(raw: QdrantClient, name: str, *, condition: models.Filter) -> list[models.Record]:
    found, _ = raw.scroll(name, condition, limit=UPSERT_BATCH, with_payload=True, with_vectors=False)
    return found
