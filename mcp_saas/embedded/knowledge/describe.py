"""What a collection says of itself, in Qdrant's JSON, with Qdrant's defaults for what we do not keep."""

from typing import Any

import msgspec

from mcp_saas.embedded.knowledge.collection import Collection
from mcp_saas.embedded.knowledge.shape import Hnsw, Optimizers, StrictMode

VERSION = "1.19.0"  # of Qdrant, whose published OpenAPI our answers are checked against
HNSW = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000, "max_indexing_threads": 1}
OPTIMIZERS = {
    "deleted_threshold": 0.2,
    "vacuum_min_vector_number": 1000,
    "default_segment_number": 1,
    "flush_interval_sec": 5,
}
WAL = {"wal_capacity_mb": 32, "wal_segments_ahead": 0}


def describe_version() -> dict[str, str]:
    return {"title": "qdrant - vector search engine", "version": VERSION}


def describe_collection(collection: Collection) -> dict[str, Any]:
    shape, info = collection.shape, collection.ask(lambda shard: shard.info())
    points = {field: index.points for field, index in info.payload_schema.items()}
    config: dict[str, Any] = {
        "params": {
            "vectors": msgspec.to_builtins(shape.dense),
            "sparse_vectors": msgspec.to_builtins(shape.sparse),
            "shard_number": 1,
            "replication_factor": 1,
            "write_consistency_factor": 1,
            "on_disk_payload": True,
        },
        "hnsw_config": HNSW | msgspec.to_builtins(shape.hnsw_config or Hnsw()),
        "optimizer_config": OPTIMIZERS | msgspec.to_builtins(shape.optimizers_config or Optimizers()),
        "wal_config": WAL,
        "quantization_config": None,
        "strict_mode_config": msgspec.to_builtins(shape.strict_mode_config or StrictMode(enabled=False)),
    }
    return {
        "status": "green",
        "optimizer_status": "ok",
        "indexed_vectors_count": info.indexed_vectors_count,
        "points_count": info.points_count,
        "segments_count": info.segments_count,
        "config": config | ({"metadata": shape.metadata} if shape.metadata else {}),
        "payload_schema": {
            field: index | {"points": points.get(field, 0)} for field, index in collection.indexes.items()
        },
    }
