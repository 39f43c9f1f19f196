"""Which rows are a box's: all of its own schema, and those of the public schema that are about it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import msgspec
from django.apps import apps
from django.conf import settings
from django.db.models import Model, QuerySet

from mcp_saas.api.models import StoredAnswer
from nodes.models.export import ExportChunk
from nodes.pipeline.export.record import Record, record_of
from tenants.context import enter_tenant, leave_tenant
from tenants.models.challenge import Challenge, RedeemFailure
from tenants.models.dazbox import Dazbox
from tenants.models.device_authorization import DeviceAuthorization
from tenants.models.owner import Owner
from tenants.selectors import refer_to

PAGE_BYTES = 1 << 20  # of lines, about: so much is in memory at a time
MAX_PAGE_ROWS = 1000
LEFT_OUT = {
    "nodes_exportchunk": "archives of exports, this one among them",
    "django_migrations": "which release the tables are of: nothing about the box",
}


@dataclass(frozen=True, slots=True)
class ExportTable:
    """The rows of one table that belong to a box, in the order of their keys."""

    dazbox: Dazbox
    rows: QuerySet[Any]
    is_public: bool

    @property
    def name(self) -> str:
        """`box/<table>` for a table of the box's own schema, `account/<table>` for one of the public schema."""
        return f"{'account' if self.is_public else 'box'}/{self.rows.model._meta.db_table}"  # noqa: SLF001 - documented

    @property
    def record(self) -> Record:
        return record_of(self.rows.model)  # type: ignore[arg-type]  # a class can be hashed

    def read_lines(self) -> Iterator[bytes]:
        """Each row as one line of JSON. A page is read whole behind its door; its size follows that of the rows."""
        record, last, limit = self.record, None, 16
        while True:
            with self._door():
                rows = self.rows if last is None else self.rows.filter(pk__gt=last)
                page = list(rows.order_by("pk")[:limit])
            lines = [msgspec.json.encode(record.read(row)) + b"\n" for row in page]
            yield from lines
            if len(page) < limit:
                return
            last = page[-1].pk
            limit = max(1, min(MAX_PAGE_ROWS, limit * PAGE_BYTES // sum(map(len, lines))))

    def _door(self) -> AbstractContextManager[Any]:
        return leave_tenant() if self.is_public else enter_tenant(refer_to(self.dazbox))


def list_tables(dazbox: Dazbox) -> list[ExportTable]:
    """Everything stored about a box, by the name of the file it goes to."""
    own = [ExportTable(dazbox, model._default_manager.all(), is_public=False) for model in _tenant_models()]  # noqa: SLF001
    public = [ExportTable(dazbox, rows, is_public=True) for rows in _list_public_rows(dazbox)]
    return sorted([*own, *public], key=lambda table: table.name)


def _tenant_models() -> list[type[Model]]:
    configs = [config for config in apps.get_app_configs() if config.name in settings.TENANT_APPS]
    return [model for config in configs for model in config.get_models() if model is not ExportChunk]


def _list_public_rows(dazbox: Dazbox) -> list[QuerySet[Any]]:
    """Whatever points at the box, and what names it without pointing at it."""
    pointing = [
        relation.related_model._default_manager.filter(**{relation.field.name: dazbox})  # noqa: SLF001
        for relation in Dazbox._meta.related_objects  # noqa: SLF001
        if relation.related_model is not DeviceAuthorization
    ]
    return [
        *pointing,
        Dazbox.objects.filter(id=dazbox.id),
        Owner.objects.filter(id=dazbox.owner_id),
        Challenge.objects.filter(pubkey=dazbox.pubkey),
        DeviceAuthorization.objects.filter(pubkey=dazbox.pubkey),  # before there was a box to point at
        RedeemFailure.objects.filter(source__endswith=f" {dazbox.pubkey}"),
        StoredAnswer.objects.filter(concerns=dazbox.id),
    ]
