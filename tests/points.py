"""Points and tenants for tests of the store, without a database."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import msgspec
import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mcp_saas.kit.crypto import make_key
from rag.engine.embedding import EmbeddingModel
from rag.sources.qdrant.point import Content, Point, Vector
from tenants.context import TenantRef, current_door, enter_tenant
from tenants.models.dazbox import new_schema_name
from tenants.sealing.tenant import TenantKeys

DIMENSION = 8


def make_model(id: str = "test/small", dimension: int = DIMENSION, *, has_tokens: bool = True) -> EmbeddingModel:  # noqa: A002
    return EmbeddingModel(id=id, dimension=dimension, has_tokens=has_tokens)


class Tenant:
    """One with keys of its own that no database knows."""

    def __init__(self) -> None:
        self.ref = TenantRef(uuid4(), new_schema_name(), "")
        self.id = self.ref.id
        self.keys = TenantKeys(self.id, {1: AESGCM(make_key())}, make_key())

    @contextmanager
    def enter(self) -> Iterator["Tenant"]:
        with enter_tenant(self.ref):
            current_door().kept["keys"] = self.keys
            yield self


def direction(*parts: float) -> Vector:
    """A vector of unit length that begins with these numbers."""
    vector = np.zeros(DIMENSION, dtype=np.float32)
    vector[: len(parts)] = parts
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def make_point(text: str, position: int = 0, **changes: object) -> Point:
    """Of document "guide", in the direction of the first axis."""
    point = Point(
        document="guide",
        position=position,
        chunk=f"chunk-{position}",
        lang="en",
        kind="note",
        version=1,
        ts=1_760_000_000,
        content=Content(text=text, title="Guide"),
        dense=direction(1.0),
        terms={7: 1.0},
    )
    return msgspec.structs.replace(point, **changes)
