"""The engine's own configuration of a collection: one shard, with a write-ahead log and few threads."""

from enum import Enum
from typing import Any

import qdrant_edge as edge

from mcp_saas.embedded.knowledge.refusal import wrong_input
from mcp_saas.embedded.knowledge.shape import (
    DenseVector,
    Hnsw,
    IndexParams,
    NewVector,
    Optimizers,
    Shape,
    SparseParams,
    VectorParams,
)

SEARCH_THREADS = 1  # 16 threads answered fewer queries a second than one, and a hundred times later

DISTANCES = {name: getattr(edge.Distance, name) for name in ("Cosine", "Dot", "Euclid", "Manhattan")}
DATATYPES = {
    "float32": edge.VectorStorageDatatype.Float32,
    "float16": edge.VectorStorageDatatype.Float16,
    "uint8": edge.VectorStorageDatatype.Uint8,
}
MEMORY = {"cold": edge.Memory.Cold, "cached": edge.Memory.Cached, "pinned": edge.Memory.Pinned}
INDEXES: dict[str, Any] = {
    "keyword": edge.KeywordIndexParams,
    "integer": edge.IntegerIndexParams,
    "float": edge.FloatIndexParams,
    "bool": edge.BoolIndexParams,
    "datetime": edge.DatetimeIndexParams,
    "uuid": edge.UuidIndexParams,
}


def build_config(shape: Shape) -> edge.EdgeConfig:
    return edge.EdgeConfig(
        vectors={name: build_dense(params, shape) for name, params in shape.dense.items()},
        sparse_vectors={name: build_sparse(params) for name, params in shape.sparse.items()},
        hnsw_config=build_hnsw(shape.hnsw_config or Hnsw()),
        optimizers=build_optimizers(shape.optimizers_config or Optimizers()),
        max_search_threads=SEARCH_THREADS,
        wal_enabled=True,
    )


def build_dense(params: VectorParams, shape: Shape) -> edge.EdgeVectorParams:
    return edge.EdgeVectorParams(
        size=params.size,
        distance=DISTANCES[params.distance],
        on_disk=params.on_disk,
        multivector_config=MAX_SIM if params.multivector_config else None,
        datatype=DATATYPES[params.datatype] if params.datatype else None,
        hnsw_config=build_hnsw(params.hnsw_config, shape.hnsw_config) if params.hnsw_config else None,
        memory=MEMORY[params.memory] if params.memory else None,
    )


def build_sparse(params: SparseParams) -> edge.EdgeSparseVectorParams:
    index = params.index
    return edge.EdgeSparseVectorParams(
        full_scan_threshold=index.full_scan_threshold if index else None,
        on_disk=index.on_disk if index else None,
        modifier=edge.Modifier.Idf if params.modifier == "idf" else None,
        datatype=DATATYPES[index.datatype] if index and index.datatype else None,
        memory=MEMORY[index.memory] if index and index.memory else None,
    )


def build_hnsw(hnsw: Hnsw, ground: Hnsw | None = None) -> edge.HnswIndexConfig:
    """With Qdrant's defaults for what neither says."""

    def pick(name: str) -> Any:
        said = getattr(hnsw, name)
        return said if said is not None else getattr(ground, name, None)

    m, ef_construct, threshold = pick("m"), pick("ef_construct"), pick("full_scan_threshold")
    return edge.HnswIndexConfig(
        m=16 if m is None else m,
        ef_construct=ef_construct or 100,
        full_scan_threshold=threshold or 10_000,
        max_indexing_threads=1,
        payload_m=pick("payload_m"),
        on_disk=pick("on_disk"),
        memory=MEMORY[memory] if (memory := pick("memory")) else None,
    )


def build_optimizers(found: Optimizers) -> edge.EdgeOptimizersConfig:
    return edge.EdgeOptimizersConfig(
        deleted_threshold=found.deleted_threshold,
        vacuum_min_vector_number=found.vacuum_min_vector_number,
        default_segment_number=found.default_segment_number or 1,
        max_segment_size=found.max_segment_size,
        indexing_threshold=found.indexing_threshold,
    )


def build_index(schema: str | IndexParams | None) -> Any:
    params = schema if isinstance(schema, IndexParams) else IndexParams(schema or "keyword")
    make = INDEXES.get(params.type)
    if make is None:
        raise wrong_input(f"no index of type {params.type!r} is served: one of {', '.join(INDEXES)}")
    said = {name: value for name in params.__struct_fields__ if (value := getattr(params, name)) is not None}
    said.pop("type")
    if "memory" in said:
        said["memory"] = MEMORY[said["memory"]]
    return make(**said)


def build_new_vector(name: str, vector: NewVector) -> edge.UpdateOperation:
    found = vector.dense or vector.sparse
    if found is None or (vector.dense and vector.sparse):
        raise wrong_input("a new vector is either dense or sparse")
    datatype = DATATYPES[found.datatype] if found.datatype else None
    if isinstance(found, DenseVector):
        comparator = MAX_SIM if found.multivector_config else None
        return edge.UpdateOperation.create_dense_vector(
            name, found.size, DISTANCES[found.distance], multivector_config=comparator, datatype=datatype
        )
    modifier = edge.Modifier.Idf if found.modifier == "idf" else None
    return edge.UpdateOperation.create_sparse_vector(name, modifier=modifier, datatype=datatype)


def name_of(member: Enum | Any) -> str:
    """Of an enum of the engine, in Qdrant's JSON."""
    return str(member).rpartition(".")[2].lower()


MAX_SIM = edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim)
