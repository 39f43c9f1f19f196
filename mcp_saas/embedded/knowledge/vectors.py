"""Vectors of a request as the engine takes them, checked where it would take a wrong one; and back."""

import math
from collections.abc import Mapping
from typing import Any

import qdrant_edge as edge

from mcp_saas.embedded.knowledge.contract import Dense, Sparse
from mcp_saas.embedded.knowledge.refusal import UNPROCESSABLE, RefusalError, wrong_input
from mcp_saas.embedded.knowledge.shape import Shape

LARGEST_INDEX = 2**32 - 1
LARGEST_LENGTH = 3.4e38  # of numbers that each, and their length too, have 32 bits


def build_vectors(vectors: Mapping[str, Dense | Sparse], shape: Shape) -> dict[str, Any]:
    """The named vectors of a point. Raises RefusalError."""
    return {name: build_vector(vector, shape, using=name) for name, vector in vectors.items()}


def build_vector(vector: Dense | Sparse, shape: Shape, *, using: str) -> Any:
    """Raises RefusalError: no such vector, of another kind, of another dimension."""
    if isinstance(vector, Sparse):
        if using not in shape.sparse:
            raise unknown_vector(using)
        return build_sparse(vector.indices, vector.values)
    params = shape.dense.get(using)
    if params is None:
        raise unknown_vector(using)
    if not vector:
        raise wrong_dimension(params.size, 0)
    if params.multivector_config:
        check_rows(vector, params.size)
    elif isinstance(vector[0], list):
        raise wrong_input(f"Conversion between multi and regular vectors failed: {using} holds one vector a point")
    elif len(vector) != params.size:
        raise wrong_dimension(params.size, len(vector))
    else:
        check_finite(vector)
    return vector


def check_rows(vector: Dense, size: int) -> None:
    """One vector is a multivector of one row, as in Qdrant."""
    rows = vector if isinstance(vector[0], list) else [vector]
    for row in rows:
        found = len(row) if isinstance(row, list) else 0
        if found != size:
            raise wrong_dimension(size, found)
        check_finite(row)


def check_finite(numbers: Any) -> None:
    """The engine would take what is too large for 32 bits as infinite, and find nothing near it ever after."""
    try:
        length = math.hypot(*numbers)
    except TypeError:
        length = math.inf
    if length > LARGEST_LENGTH:
        raise wrong_input("a vector holds numbers of 32 bits, and one of these is too large or no number")


def build_sparse(indices: list[int], values: list[float]) -> edge.SparseVector:
    if len(indices) != len(values):
        raise RefusalError(UNPROCESSABLE, "Validation error in body: [values: must be the same length as indices]")
    if len(set(indices)) != len(indices):
        raise RefusalError(UNPROCESSABLE, "Validation error in body: [indices: must be unique]")
    if any(not 0 <= index <= LARGEST_INDEX for index in indices):
        raise wrong_input(f"an index of a sparse vector lies between 0 and {LARGEST_INDEX}")
    check_finite(values)
    return edge.SparseVector(indices, values)


def read_vectors(found: Any) -> Any:
    """The vectors of a stored point in Qdrant's JSON."""
    if isinstance(found, dict):
        return {name: read_vectors(vector) for name, vector in found.items()}
    if isinstance(found, edge.SparseVector):
        return {"indices": found.indices, "values": found.values}
    return found


def unknown_vector(name: str) -> RefusalError:
    return wrong_input(f"Not existing vector name error: {name}")


def wrong_dimension(expected: int, found: int) -> RefusalError:
    return wrong_input(f"Vector dimension error: expected dim: {expected}, got {found}")
