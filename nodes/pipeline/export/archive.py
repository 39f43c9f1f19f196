"""The archive of an export: a ZIP of NDJSON files, the JSON Schema of each, and a manifest with their hashes.

It is written from front to back without looking back, so it can go anywhere bytes can be sent, and holds no more in
memory than a page of rows. The manifest is the last member: it says what the others should be.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable
from typing import IO, Protocol, cast
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import msgspec
from django.db import connection
from django.utils import timezone

from mcp_saas.kit.version import VERSION
from nodes.pipeline.export.table import LEFT_OUT, ExportTable, list_tables
from tenants.models.dazbox import Dazbox

FORMAT = 1
MANIFEST = "manifest.json"
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET LOCAL statement_timeout = '10min'"


class Sink(Protocol):
    """Takes the bytes of an archive in order: all that ZipFile needs of a file."""

    def write(self, data: bytes, /) -> int: ...

    def flush(self) -> None: ...


class ExportedTable(msgspec.Struct, frozen=True):
    """One file and its schema; `left_out` names the columns that are not in it because they are secrets."""

    file: str
    rows: int
    sha256: str
    schema: str
    schema_sha256: str
    left_out: list[str]


class ExportManifest(msgspec.Struct, frozen=True):
    """What is in an archive. `left_out`: tables that are not, and why."""

    format: int
    dazbox_id: UUID
    pubkey: str
    taken_at: dt.datetime
    release: str
    tables: list[ExportedTable]
    left_out: dict[str, str]


def begin_snapshot() -> None:
    """First thing in a transaction: all of it sees one moment."""
    with connection.cursor() as cursor:
        cursor.execute(SNAPSHOT)


def write_archive(dazbox: Dazbox, sink: Sink) -> ExportManifest:
    """Writes everything about a box to `sink`. The caller has begun a snapshot, or gets no consistent moment."""
    taken_at = timezone.now()
    with ZipFile(cast(IO[bytes], sink), "w", ZIP_DEFLATED) as archive:
        tables = [_write_table(archive, table, taken_at=taken_at) for table in list_tables(dazbox)]
        manifest = ExportManifest(FORMAT, dazbox.id, dazbox.pubkey, taken_at, VERSION, tables, LEFT_OUT)
        _write_member(archive, MANIFEST, lines=[_to_json(manifest)], taken_at=taken_at)
    return manifest


def _write_table(archive: ZipFile, table: ExportTable, *, taken_at: dt.datetime) -> ExportedTable:
    file, schema = f"{table.name}.ndjson", f"{table.name}.schema.json"
    _, schema_sha256 = _write_member(archive, schema, lines=[_to_json(table.record.schema())], taken_at=taken_at)
    rows, sha256 = _write_member(archive, file, lines=table.read_lines(), taken_at=taken_at)
    return ExportedTable(file, rows, sha256, schema, schema_sha256, table.record.left_out)


def _write_member(archive: ZipFile, name: str, *, lines: Iterable[bytes], taken_at: dt.datetime) -> tuple[int, str]:
    """How many lines, and the SHA-256 of them all."""
    member = ZipInfo(name, taken_at.timetuple()[:6])
    member.compress_type, member.external_attr = ZIP_DEFLATED, 0o600 << 16
    count, digest = 0, hashlib.sha256()
    with archive.open(member, "w", force_zip64=True) as file:
        for line in lines:
            file.write(line)
            digest.update(line)
            count += 1
    return count, digest.hexdigest()


def _to_json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value)) + b"\n"
