"""One collection: a shard of the engine, its shape on disk, and what its users may do (strict mode)."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import qdrant_edge as edge

from mcp_saas.embedded.knowledge.engine import build_config, build_index, build_new_vector, name_of
from mcp_saas.embedded.knowledge.refusal import RefusalError, read_engine_error, wrong_input
from mcp_saas.embedded.knowledge.shape import (
    NewIndex,
    NewVector,
    Shape,
    ShapeChange,
    SparseParams,
    VectorParams,
)
from mcp_saas.kit.private_file import write_private_file

SHAPE_FILE, SHARD_FOLDER = "shape.json", "shard"
Answer = TypeVar("Answer")


class Collection:
    """`shard` may be asked by several threads at once. What changes the shape goes one after the other."""

    def __init__(self, folder: Path, shape: Shape, shard: edge.EdgeShard) -> None:
        self.folder, self.shape, self.shard = folder, shape, shard
        self.indexes = read_indexes(shard)
        self._is_flushed = self._is_optimized = True
        self._changing = threading.Lock()
        self._operation = 0

    @classmethod
    def create(cls, folder: Path, shape: Shape) -> "Collection":
        """The folder appears whole or not at all. Raises RefusalError for a shape the engine does not take."""
        draft = folder.with_name(f".{folder.name}.new")
        (draft / SHARD_FOLDER).mkdir(parents=True)
        with engine_errors():
            edge.EdgeShard.create(str(draft / SHARD_FOLDER), build_config(shape)).close()
        write_private_file(draft / SHAPE_FILE, msgspec.json.encode(shape).decode())
        draft.rename(folder)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> "Collection":
        shape = msgspec.json.decode((folder / SHAPE_FILE).read_bytes(), type=Shape)
        with engine_errors():
            return cls(folder, shape, edge.EdgeShard.load(str(folder / SHARD_FOLDER)))

    def ask(self, question: Callable[[edge.EdgeShard], Answer]) -> Answer:
        """Raises RefusalError."""
        with engine_errors():
            return question(self.shard)

    def update(self, operation: edge.UpdateOperation) -> dict[str, Any]:
        """In the write-ahead log when this returns. Raises RefusalError."""
        with engine_errors():
            self.shard.update(operation)
        self._is_flushed = self._is_optimized = False
        self._operation += 1
        return {"operation_id": self._operation, "status": "completed"}

    def change(self, change: ShapeChange) -> bool:
        with self._changing:
            self._keep(change.apply(self.shape))
        return True

    def add_index(self, new: NewIndex) -> dict[str, Any]:
        with engine_errors():
            schema = build_index(new.field_schema)
        done = self.update(edge.UpdateOperation.create_field_index(new.field_name, schema))
        self.indexes = read_indexes(self.shard)
        return done

    def remove_index(self, field: str) -> dict[str, Any]:
        done = self.update(edge.UpdateOperation.delete_field_index(field))
        self.indexes = read_indexes(self.shard)
        return done

    def add_vector(self, name: str, vector: NewVector) -> dict[str, Any]:
        with self._changing:
            if name in self.shape.dense or name in self.shape.sparse:
                raise wrong_input(f"Vector `{name}` already exists!")
            done = self.update(build_new_vector(name, vector))
            self._keep(with_vector(self.shape, name, vector=vector))
        return done

    def remove_vector(self, name: str) -> dict[str, Any]:
        with self._changing:
            if name not in self.shape.dense and name not in self.shape.sparse:
                raise wrong_input(f"Not existing vector name error: {name}")
            dense = {key: params for key, params in self.shape.dense.items() if key != name}
            sparse = {key: params for key, params in self.shape.sparse.items() if key != name}
            done = self.update(edge.UpdateOperation.delete_vector_name(name))
            self._keep(msgspec.structs.replace(self.shape, vectors=dense, sparse_vectors=sparse))
        return done

    def flush(self) -> None:
        """To the disk, for the case that the machine loses power; a killed process loses nothing of the log."""
        if not self._is_flushed:
            self._is_flushed = True
            with engine_errors():
                self.shard.flush()

    def optimize(self) -> None:
        """Into segments that are fast to read."""
        if not self._is_optimized:
            self._is_optimized = True
            with engine_errors():
                self.shard.optimize()
                self.shard.flush()

    def close(self) -> None:
        self.flush()
        with engine_errors():
            self.shard.close()

    def _keep(self, shape: Shape) -> None:
        write_private_file(self.folder / SHAPE_FILE, msgspec.json.encode(shape).decode())
        self.shape = shape


def read_indexes(shard: edge.EdgeShard) -> dict[str, dict[str, Any]]:
    """Parameters of each payload index, by field, in Qdrant's JSON. The engine keeps them; there is no second list."""
    found = {}
    for field, index in shard.info().payload_schema.items():
        kind = name_of(index.data_type)
        names = [name for name in ("is_tenant", "is_principal", "lookup", "range") if hasattr(index.params, name)]
        said = {name: value for name in names if (value := getattr(index.params, name)) is not None}
        found[field] = {"data_type": kind, "params": {"type": kind} | said}
    return found


def with_vector(shape: Shape, name: str, *, vector: NewVector) -> Shape:
    if vector.dense:
        found = vector.dense
        params = VectorParams(
            found.size, found.distance, datatype=found.datatype, multivector_config=found.multivector_config
        )
        return msgspec.structs.replace(shape, vectors=shape.dense | {name: params})
    modifier = vector.sparse.modifier if vector.sparse else None
    return msgspec.structs.replace(shape, sparse_vectors=shape.sparse | {name: SparseParams(modifier=modifier)})


@contextlib.contextmanager
def engine_errors() -> Iterator[None]:
    """Turns what the engine raises into a RefusalError; its panics are BaseExceptions of no public class."""
    try:
        yield
    except (RefusalError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise read_engine_error(error) from error
