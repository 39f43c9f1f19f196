"""A row as a line of an export: a msgspec struct made from its model, so that no column can be forgotten."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal
from uuid import UUID

import msgspec
from django.db import models

from tenants.sealing.payload import PayloadField

_TYPES: dict[type[models.Field[Any, Any]], type] = {
    models.BooleanField: bool,
    models.IntegerField: int,  # and all its kinds, AutoField included
    models.FloatField: float,
    models.UUIDField: UUID,
    models.DateTimeField: dt.datetime,
    models.DateField: dt.date,
    models.CharField: str,
    models.TextField: str,
    models.JSONField: list,  # the arguments of a job
}
# Hashes that prove something to the owner or tell channels apart, and open nothing. All other raw bytes are left out.
_EVIDENCE = frozenset({
    "nodes.Channel.digest",
    "nodes.Decision.channel_digest",
    "nodes.Snapshot.digest",
    "nodes.JournalLink.content_hash",
    "nodes.JournalLink.link_hash",
    "nodes.JournalHead.link_hash",
    "tenants.Dazbox.pubkey_digest",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Record:
    """How one model's rows are written: the struct, how to read each field off a row, and what is left out."""

    shape: type[msgspec.Struct]
    readers: dict[str, Callable[[models.Model], Any]]
    left_out: list[str]

    def read(self, row: models.Model) -> msgspec.Struct:
        return self.shape(**{name: read(row) for name, read in self.readers.items()})

    def schema(self) -> dict[str, Any]:
        """JSON Schema 2020-12 of a line."""
        return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | msgspec.json.schema(self.shape)


@cache
def record_of(model: type[models.Model]) -> Record:
    """Raises TypeError for a column of a kind that has no JSON form here yet."""
    shown = [field for field in model._meta.concrete_fields if not is_secret(field)]  # noqa: SLF001 - documented
    shape = msgspec.defstruct(
        f"{model.__name__}Row",
        [(field.attname, _type_of(field)) for field in shown],
        module=__name__,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )
    left_out = [field.attname for field in model._meta.concrete_fields if is_secret(field)]  # noqa: SLF001
    return Record(shape, {field.attname: _reader_of(field) for field in shown}, left_out)


def is_secret(field: models.Field[Any, Any]) -> bool:
    """Credentials, and raw bytes unless they are known to be evidence: hashes of tokens, sealed answers, keys."""
    if isinstance(field, PayloadField):
        return field.is_secret
    is_raw = isinstance(field, models.BinaryField)
    return is_raw and f"{field.model._meta.app_label}.{field.model.__name__}.{field.name}" not in _EVIDENCE  # noqa: SLF001


def _type_of(field: models.Field[Any, Any]) -> Any:
    if isinstance(field, models.ForeignKey):
        kind = _type_of(field.target_field)
    elif isinstance(field, PayloadField):
        kind = field.shape
    elif isinstance(field, models.BinaryField):
        kind = str
    elif field.choices:
        kind = Literal[tuple(value for value, _ in field.flatchoices)]
    else:
        kind = _plain_type(field)
    return kind | None if field.null else kind


def _plain_type(field: models.Field[Any, Any]) -> type:
    for known, kind in _TYPES.items():
        if isinstance(field, known):
            return kind
    raise TypeError(f"{field} is a {type(field).__name__}: say in nodes.pipeline.export.record how it is exported")


def _reader_of(field: models.Field[Any, Any]) -> Callable[[models.Model], Any]:
    name = field.attname
    if isinstance(field, models.BinaryField) and not isinstance(field, PayloadField):
        return lambda row: None if getattr(row, name) is None else bytes(getattr(row, name)).hex()
    return lambda row: getattr(row, name)
