"""How balances, policies, fees and forwards are kept: one typed, versioned, sealed value a row and column.

The column is bytea: a version byte, then the struct as MessagePack, sealed with the tenant's key and bound to tenant,
table, column and row. SQL never looks inside; whoever wants to know something asks a selector.
"""

from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import msgspec
from django.db import connection, models
from psycopg import sql

from tenants.sealing.tenant import HEADER_BYTES, current_keys

T = TypeVar("T")
VERSION = 1
_encoder = msgspec.msgpack.Encoder(order="deterministic")
_number_keys_encoder = msgspec.msgpack.Encoder()


class PayloadVersionError(ValueError):
    """A stored value was written by a newer release than this one."""


class Sealed(bytes):
    """A stored value before it is opened, or after it was sealed."""


def pack(value: object) -> bytes:
    """The same value gives the same bytes; one with a map of number keys, which msgspec cannot sort, does if its maps
    were made in the same order.
    """
    try:
        return bytes([VERSION]) + _encoder.encode(value)
    except TypeError:
        return bytes([VERSION]) + _number_keys_encoder.encode(value)


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
    """A bytea column of a SealedModel that reads and writes values of one msgspec shape.

    What `is_secret` is left out of every export. What `is_checked` is read back before it is written: a value that its
    shape does not allow would make the row, and all that needs it, unreadable for good.
    """

    def __init__(
        self, shape: type[T] | None = None, *, is_secret: bool = False, is_checked: bool = False, **options: Any
    ) -> None:
        self.shape = shape
        self.is_checked = is_checked
        self.is_secret = is_secret
        super().__init__(**options)

    def deconstruct(self) -> Any:
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.BinaryField", args, options  # to the database it is a bytea column

    def pre_save(self, model_instance: Any, add: bool) -> Sealed | None:  # noqa: FBT001 - Django's
        value = super().pre_save(model_instance, add)
        if value is None:
            return None
        packed = pack(value)
        if self.is_checked:
            unpack(packed, self.shape)  # type: ignore[arg-type]  # raises ValidationError
        return Sealed(current_keys().seal(packed, **self.place_in(model_instance)))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's
        if value is not None and not isinstance(value, Sealed):
            raise TypeError(
                f"{self} is sealed with its row: write it by save() or bulk_create(), and do not look for it"
            )
        return super().get_db_prep_value(value, connection, prepared)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Sealed | None:
        return None if value is None else Sealed(value)

    def open(self, sealed: Sealed, *, row: "SealedModel") -> T:
        return unpack(current_keys().open(sealed, **self.place_in(row)), self.shape)  # type: ignore[arg-type]

    def place_in(self, row: "SealedModel") -> dict[str, str]:
        return {"table": row.name_table(), "column": str(self.column), "row": row.name_row()}


class SealedModel(models.Model):
    """A row with payloads. They are opened as it is loaded, so nothing sealed leaves the tenant's door."""

    class Meta:
        abstract = True

    def name_row(self) -> str:
        """What tells the row from all others of its table, known before it is written and never changed."""
        return str(self.pk)

    @classmethod
    def name_table(cls) -> str:
        return cls._meta.db_table

    @classmethod
    def list_payloads(cls) -> list[PayloadField[Any]]:
        return [field for field in cls._meta.concrete_fields if isinstance(field, PayloadField)]

    @classmethod
    def list_stale(cls, *, limit: int) -> list[Any]:
        """Primary keys of rows with a payload sealed with an older key than the newest of this stay."""
        is_stale = sql.SQL(" OR ").join(
            sql.SQL("substring({} FROM 1 FOR {}) < {}").format(
                sql.Identifier(str(field.column)), HEADER_BYTES, current_keys().header
            )
            for field in cls.list_payloads()
        )
        query = sql.SQL("SELECT {key} FROM {table} WHERE {stale} ORDER BY {key} LIMIT {limit}").format(
            key=sql.Identifier(str(cls._meta.pk.column)),
            table=sql.Identifier(cls.name_table()),
            stale=is_stale,
            limit=limit,
        )
        with connection.cursor() as cursor:
            cursor.execute(query)
            return [key for (key,) in cursor.fetchall()]

    @classmethod
    def from_db(cls, *args: Any, **options: Any) -> Self:
        row = super().from_db(*args, **options)
        row.open_payloads()
        return row

    def open_payloads(self) -> None:
        """Raises SealBrokenError for a value of another place, KeyMissingError, PayloadVersionError."""
        for field in self.list_payloads():
            sealed = self.__dict__.get(field.attname)  # absent when deferred
            if isinstance(sealed, Sealed):
                setattr(self, field.attname, field.open(sealed, row=self))
