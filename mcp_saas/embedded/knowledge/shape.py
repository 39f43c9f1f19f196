"""What a collection is made of: Qdrant's configuration, as far as the engine takes it, and what we keep on disk."""

from typing import Annotated, Any, Literal

import msgspec

from mcp_saas.embedded.knowledge.contract import Memory, Payload, Struct

Size = Annotated[int, msgspec.Meta(ge=1, le=65_536)]  # numbers of a vector
Datatype = Literal["float32", "float16", "uint8"]


class Hnsw(Struct, frozen=True):
    m: int | None = None
    ef_construct: int | None = None
    full_scan_threshold: int | None = None
    max_indexing_threads: int | None = None
    payload_m: int | None = None
    on_disk: bool | None = None
    memory: Memory | None = None


class MultiVector(Struct, frozen=True):
    comparator: Literal["max_sim"]


class VectorParams(Struct, frozen=True):
    size: Size
    distance: Literal["Cosine", "Dot", "Euclid", "Manhattan"]
    hnsw_config: Hnsw | None = None
    on_disk: bool | None = None
    memory: Memory | None = None
    datatype: Datatype | None = None
    multivector_config: MultiVector | None = None


class SparseIndex(Struct, frozen=True):
    full_scan_threshold: int | None = None
    on_disk: bool | None = None
    memory: Memory | None = None
    datatype: Datatype | None = None


class SparseParams(Struct, frozen=True):
    index: SparseIndex | None = None
    modifier: Literal["idf", "none"] | None = None


class Optimizers(Struct, frozen=True):
    deleted_threshold: float | None = None
    vacuum_min_vector_number: int | None = None
    default_segment_number: int | None = None
    max_segment_size: int | None = None
    indexing_threshold: int | None = None
    memmap_threshold: int | None = None
    flush_interval_sec: int | None = None
    max_optimization_threads: int | Literal["auto"] | None = None


class StrictMode(Struct, frozen=True):
    """What is set here and not enforced is in `strict.py`."""

    enabled: bool | None = None
    max_query_limit: int | None = None
    max_timeout: int | None = None
    unindexed_filtering_retrieve: bool | None = None
    unindexed_filtering_update: bool | None = None
    search_max_hnsw_ef: int | None = None
    search_allow_exact: bool | None = None
    search_max_oversampling: float | None = None
    upsert_max_batchsize: int | None = None
    search_max_batchsize: int | None = None
    max_collection_vector_size_bytes: int | None = None
    max_collection_payload_size_bytes: int | None = None
    read_rate_limit: int | None = None
    write_rate_limit: int | None = None
    max_points_count: int | None = None
    filter_max_conditions: int | None = None
    condition_max_size: int | None = None
    max_payload_index_count: int | None = None
    multivector_config: dict[str, Any] | None = None
    sparse_config: dict[str, Any] | None = None


class Shape(Struct, frozen=True):
    """The body that makes a collection. What has no meaning for one shard on one machine is taken and left alone."""

    vectors: dict[str, VectorParams] | None = None  # each has a name
    sparse_vectors: dict[str, SparseParams] | None = None
    hnsw_config: Hnsw | None = None
    optimizers_config: Optimizers | None = None
    strict_mode_config: StrictMode | None = None
    metadata: Payload | None = None
    on_disk_payload: bool | None = None
    shard_number: int | None = None
    replication_factor: int | None = None
    write_consistency_factor: int | None = None
    wal_config: dict[str, Any] | None = None

    @property
    def dense(self) -> dict[str, VectorParams]:
        return self.vectors or {}

    @property
    def sparse(self) -> dict[str, SparseParams]:
        return self.sparse_vectors or {}

    @property
    def strict(self) -> StrictMode:
        """Empty when strict mode is off."""
        found = self.strict_mode_config
        return found if found and found.enabled else StrictMode()


class VectorChange(Struct, frozen=True):
    hnsw_config: Hnsw | None = None


class ShapeChange(Struct, frozen=True):
    """The body that changes one; metadata is merged into what is there, and an empty one takes all of it away."""

    strict_mode_config: StrictMode | None = None
    metadata: Payload | None = None
    optimizers_config: Optimizers | None = None
    hnsw_config: Hnsw | None = None
    vectors: dict[str, VectorChange] | None = None

    def apply(self, shape: Shape) -> Shape:
        parts = {
            name: merge(getattr(shape, name), change)
            for name in ("strict_mode_config", "optimizers_config", "hnsw_config")
            if (change := getattr(self, name)) is not None
        }
        if self.metadata is not None:
            parts["metadata"] = (shape.metadata or {}) | self.metadata if self.metadata else None
        if self.vectors is not None:
            parts["vectors"] = shape.dense | {
                name: merge(params, change)
                for name, change in self.vectors.items()
                if (params := shape.dense.get(name)) is not None
            }
        return msgspec.structs.replace(shape, **parts)


class DenseVector(Struct, frozen=True):
    size: Size
    distance: Literal["Cosine", "Dot", "Euclid", "Manhattan"]
    datatype: Datatype | None = None
    multivector_config: MultiVector | None = None


class SparseVector(Struct, frozen=True):
    modifier: Literal["idf", "none"] | None = None
    datatype: Datatype | None = None


class NewVector(Struct, frozen=True):
    """A vector for a collection that is there: one of the two."""

    dense: DenseVector | None = None
    sparse: SparseVector | None = None


class IndexParams(Struct, frozen=True):
    type: str
    is_tenant: bool | None = None
    on_disk: bool | None = None
    memory: Memory | None = None
    enable_hnsw: bool | None = None
    prefix: bool | None = None
    lookup: bool | None = None
    range: bool | None = None
    is_principal: bool | None = None


class NewIndex(Struct, frozen=True):
    field_name: str
    field_schema: str | IndexParams | None = None


def merge(old: Any, change: Any) -> Any:
    """`old` with what `change` says."""
    if old is None:
        return change
    said = {name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not None}
    return msgspec.structs.replace(old, **said)
