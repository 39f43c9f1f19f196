"""How points lie in the store: one collection an embedding model, and what it remembers about that model.

`kb_<model>_<dimension>`: `dense` (cosine), `tok` (token vectors, MaxSim, no graph, f16), `bm25` (sparse, IDF by the
server). Tenants lie together by the `tenant` index, with a graph each (m=0, payload_m=16) once they are large.
"""

import re
from functools import partial
from typing import Any

from msgspec import Struct, ValidationError, convert, to_builtins
from qdrant_client import QdrantClient, models

from rag.engine.embedding import EmbeddingModel
from rag.sources.qdrant.border import Border
from rag.sources.qdrant.errors import ModelMismatchError, StoreRefusedError
from rag.sources.qdrant.point import MAX_LIMIT
from rag.sources.qdrant.scope import TENANT_FIELD

DENSE, TOKENS, TERMS = "dense", "tok", "bm25"
UPSERT_BATCH = 64
SEARCH_BATCH = 32
OLDEST_SERVER = (1, 19)  # the first that counts IDF over a filter: an older one would ignore the tenant there
# Up to so many points of a filter are read one by one; of more, terms are looked up in their index. Qdrant's 5,000 made
# BM25 of a library of 3,000 six times slower.
FULL_SCAN = 50
INDEXES: dict[str, Any] = {
    TENANT_FIELD: models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True),
    "doc": models.PayloadSchemaType.KEYWORD,
    "lang": models.PayloadSchemaType.KEYWORD,
    "version": models.PayloadSchemaType.INTEGER,
    "kid": models.PayloadSchemaType.INTEGER,
}
STRICT = models.StrictModeConfig(
    enabled=True,
    unindexed_filtering_retrieve=False,
    unindexed_filtering_update=False,
    max_query_limit=MAX_LIMIT,
    max_timeout=30,
    upsert_max_batchsize=UPSERT_BATCH,
    search_max_batchsize=SEARCH_BATCH,
    filter_max_conditions=64,
    condition_max_size=2 * MAX_LIMIT,
)


class Stored(Struct, frozen=True, kw_only=True):
    """What a collection remembers of a model, and how its vectors are called. `tokens`: None where it has none."""

    model: str
    dimension: int
    vector: str = DENSE
    tokens: str | None = TOKENS


class Metadata(Stored, frozen=True, kw_only=True):
    """The model in force, and the one that is to follow while points are embedded with it."""

    next: Stored | None = None


class Collection(Struct, frozen=True, kw_only=True):
    name: str
    stored: Metadata


def open_collection(border: Border, prefix: str, *, model: EmbeddingModel) -> Collection:
    """Finds or makes the collection, and what of it is missing: to be done again after any interruption, by any number
    of processes at once. Raises ModelMismatchError, StoreRefusedError, StoreUnavailableError.
    """
    _check_version(border)
    found = find_collection(border, prefix, model=model)
    if found is None:
        _create(border, name_collection(prefix, model), model=model)
        found = find_collection(border, prefix, model=model)
    if found is None:
        raise StoreRefusedError(f"the collection {name_collection(prefix, model)} was made and is gone")
    _create_indexes(border, found.name)
    return found


def find_collection(border: Border, prefix: str, *, model: EmbeddingModel) -> Collection | None:
    """The one of this model; None where there is none at all. Raises ModelMismatchError where there is another's."""
    found = list_collections(border, prefix)
    for one in found:
        if (one.stored.model, one.stored.dimension) == (model.id, model.dimension):
            return one
    if found:
        other = found[0].stored
        raise ModelMismatchError(
            f"The knowledge base was embedded with {other.model} ({other.dimension} numbers), and {model.id} "
            f"({model.dimension}) is set: run `manage.py migrate_embeddings`, or set the former model again"
        )
    return None


def list_collections(border: Border, prefix: str) -> list[Collection]:
    """Ours, by the form of their name."""
    form = re.compile(rf"{re.escape(prefix)}_[a-z0-9.-]+_[0-9]+")
    names = [one.name for one in border.call(lambda raw: raw.get_collections()).collections]
    return [_read(border, name) for name in sorted(names) if form.fullmatch(name)]


def name_collection(prefix: str, model: EmbeddingModel) -> str:
    return f"{prefix}_{name_model(model)}"


def name_model(model: EmbeddingModel) -> str:
    return f"{re.sub(r'[^a-z0-9.]+', '-', model.id.lower())}_{model.dimension}"


def remember(stored: Metadata) -> dict[str, Any]:
    """The collection's metadata for it."""
    builtins: dict[str, Any] = to_builtins(stored)
    return builtins


def _read(border: Border, name: str) -> Collection:
    config = border.call(lambda raw: raw.get_collection(name)).config
    try:
        return Collection(name=name, stored=convert(config.metadata, Metadata))
    except ValidationError as error:
        raise StoreRefusedError(f"the collection {name} does not say of which model it is: drop it") from error


def _create(border: Border, name: str, *, model: EmbeddingModel) -> None:
    """Another process may be faster."""
    try:
        border.call(lambda raw: _create_collection(raw, name, model=model))
    except StoreRefusedError:
        if not border.call(lambda raw: raw.collection_exists(name)):
            raise


def _create_collection(raw: QdrantClient, name: str, *, model: EmbeddingModel) -> None:
    vectors = {DENSE: dense_params(model.dimension)}
    if model.has_tokens:
        vectors[TOKENS] = token_params(model.dimension)
    raw.create_collection(
        name,
        vectors_config=vectors,
        sparse_vectors_config={TERMS: term_params()},
        hnsw_config=models.HnswConfigDiff(m=0, payload_m=16),
        strict_mode_config=STRICT,
        metadata=remember(
            Metadata(model=model.id, dimension=model.dimension, tokens=TOKENS if model.has_tokens else None)
        ),
    )


def dense_params(dimension: int) -> models.VectorParams:
    return models.VectorParams(size=dimension, distance=models.Distance.COSINE)


def token_params(dimension: int) -> models.VectorParams:
    return models.VectorParams(
        size=dimension,
        distance=models.Distance.DOT,  # of unit vectors: tokens of a question weigh as much as they are long
        datatype=models.Datatype.FLOAT16,
        multivector_config=models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM),
        hnsw_config=models.HnswConfigDiff(m=0, payload_m=0),
    )


def term_params() -> models.SparseVectorParams:
    index = models.SparseIndexParams(full_scan_threshold=FULL_SCAN)
    return models.SparseVectorParams(modifier=models.Modifier.IDF, index=index)


def _create_indexes(border: Border, name: str) -> None:
    """Those that are missing. Before any point, so that the graphs of tenants are built with it."""
    present = border.call(lambda raw: raw.get_collection(name)).payload_schema
    for field, schema in INDEXES.items():
        if field not in present:
            border.call(partial(_create_index, name=name, field=field, schema=schema))


def _create_index(raw: QdrantClient, *, name: str, field: str, schema: Any) -> None:
    raw.create_payload_index(name, field, schema, wait=True)


def _check_version(border: Border) -> None:
    version = border.call(lambda raw: raw.info()).version
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST_SERVER:
        raise StoreRefusedError(
            f"Qdrant at {border.place} is {version}: at least {'.'.join(map(str, OLDEST_SERVER))} is needed, which "
            "counts IDF within a tenant"
        )
