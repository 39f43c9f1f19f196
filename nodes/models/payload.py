"""How balances, policies, fees and forwards are kept: one typed, versioned, opaque value a row.

The column is bytea: a version byte, then the struct as MessagePack. SQL never looks inside; whoever wants to know
something asks a selector. Encrypting these values is a change of `pack` and `unpack` and of nothing else.
"""

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from django.db import models

T = TypeVar("T")
VERSION = 1
_encoder = msgspec.msgpack.Encoder(order="deterministic")


class PayloadVersionError(ValueError):
    """A stored value was written by a newer release than this one."""


def pack(value: object) -> bytes:
    return bytes([VERSION]) + _encoder.encode(value)


def unpack(stored: bytes, shape: type[T]) -> T:
    """The struct behind a stored value. Raises PayloadVersionError."""
    if stored[0] != VERSION:
        raise PayloadVersionError(f"payload version {stored[0]} is unknown to this release: upgrade it")
    return msgspec.msgpack.decode(memoryview(stored)[1:], type=shape)


if TYPE_CHECKING:

    class Column(models.BinaryField[T, T]):
        """To type checkers: reads and writes values of the shape."""

else:

    class Column(models.BinaryField, Generic[T]):
        pass


class PayloadField(Column[T]):
    """A bytea column that reads and writes values of one msgspec shape."""

    def __init__(self, shape: type[T] | None = None, **options: Any) -> None:
        self.shape = shape
        super().__init__(**options)

    def deconstruct(self) -> Any:
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.BinaryField", args, options  # to the database it is a bytea column

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's
        return super().get_db_prep_value(None if value is None else pack(value), connection, prepared)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> T | None:
        return None if value is None else unpack(bytes(value), self.shape)  # type: ignore[arg-type]
