"""The tables of one box in a file, and back: no other box is touched or waits.

Rows are copied as they are stored. What is sealed for a tenant stays sealed and opens for that tenant alone, so a
backup can be restored only to the box it is of, and only while its keys exist.
"""

import tarfile
import tempfile
from pathlib import Path

import msgspec
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone
from psycopg import sql

from tenants.context import use_schema
from tenants.events import announce_owner_change, announce_rows_end, announce_rows_return, record_event
from tenants.models.dazbox import SERVED_STATES, Dazbox
from tenants.models.export import Export
from tenants.models.template import SchemaTemplate
from tenants.provisioning.archive import (
    BLOCK,
    FORMAT,
    MANIFEST,
    ArchiveError,
    Manifest,
    TableCopy,
    add_member,
    digest_of,
    member_of,
    open_member,
    read_manifest,
    writing_archive,
)
from tenants.provisioning.schema import build_schema, current_template, drop_schema
from tenants.provisioning.upgrade import plan_upgrade, upgrade_schema
from tenants.sealing.tenant import list_generations
from tenants.selectors import refer_to

SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = '10min'"
MEMORY = 16 << 20  # a table's copy larger than this waits on disk
# The script of the template brings the rows of django_migrations; archives of exports can be made anew.
LEFT_OUT = ["django_migrations", "nodes_exportchunk"]
_COLUMNS = """
SELECT c.relname, array_agg(a.attname ORDER BY a.attnum), array_agg(a.attname) FILTER (WHERE a.attidentity <> '')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r' AND c.relname <> ALL(%s)
  AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
GROUP BY c.relname ORDER BY c.relname
"""


def backup_tenant(pubkey: str, path: Path) -> Manifest:
    """Writes one consistent moment of a box to `path`. Raises ArchiveError where there is no such box."""
    with writing_archive(path) as archive, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SNAPSHOT)
        dazbox = Dazbox.objects.filter(pubkey=pubkey, state__in=SERVED_STATES).first()
        if dazbox is None:
            raise ArchiveError("there is no box in service with this pubkey")
        with use_schema(dazbox.schema_name):
            cursor.execute(_COLUMNS, [dazbox.schema_name, LEFT_OUT])
            tables = [
                _copy_out(cursor, archive, name=name, columns=columns, identities=identities or [])
                for name, columns, identities in cursor.fetchall()
            ]
        generations = list_generations(dazbox.id)
        manifest = Manifest(
            FORMAT, dazbox.id, dazbox.owner_id, dazbox.schema_revision, timezone.now(), generations, tables
        )
        with tempfile.TemporaryFile() as content:
            content.write(msgspec.json.format(msgspec.json.encode(manifest)))
            add_member(archive, MANIFEST, content=content)
    return manifest


def restore_tenant(path: Path) -> Dazbox:
    """Puts a box back to the moment of its backup, all in one transaction; until its end others see what was before.

    1. check the file  2. a fresh schema in place of the old, of the backup's revision  3. copy in  4. migrate it to
    the newest revision  5. credentials of an owner before go. Requests of this box wait meanwhile.
    Raises ArchiveError, DatabaseError.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            manifest = read_manifest(archive)
            with transaction.atomic():
                return _replace_schema(archive, manifest)
    except (tarfile.TarError, OSError) as error:
        raise ArchiveError(f"{path} cannot be read: {error}") from None


def _replace_schema(archive: tarfile.TarFile, manifest: Manifest) -> Dazbox:
    rows = Dazbox.objects.select_for_update().filter(state__in=SERVED_STATES)
    dazbox: Dazbox | None = rows.filter(id=manifest.dazbox_id).first()
    if dazbox is None:
        raise ArchiveError(f"there is no box {manifest.dazbox_id} in service: a backup is good for its own box only")
    template = SchemaTemplate.objects.filter(revision=manifest.revision).first()
    if template is None:
        raise ArchiveError(f"the backup is of revision {manifest.revision[:12]}, which this database never had")
    if not set(manifest.key_generations) <= set(list_generations(dazbox.id)):
        raise ArchiveError("a key it is sealed with was destroyed: nobody can open it any more")
    drop_schema(dazbox.schema_name)
    announce_rows_end(dazbox.id)
    Export.objects.filter(dazbox=dazbox).delete()  # their archives were in it
    build_schema(dazbox.schema_name, template)
    with use_schema(dazbox.schema_name), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '10min'")
        cursor.execute(_COLUMNS, [dazbox.schema_name, LEFT_OUT])
        if [name for name, *_ in cursor.fetchall()] != [table.name for table in manifest.tables]:
            raise ArchiveError("its tables are not those of its revision: this is no whole backup")
        for table in manifest.tables:
            _copy_in(cursor, archive, table=table)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # foreign keys are checked here, before anything else
    dazbox.schema_revision = current_template().revision
    if manifest.revision != dazbox.schema_revision:
        upgrade_schema(dazbox.schema_name, plan_upgrade(manifest.revision, dazbox.schema_revision))
    dazbox.save(update_fields=["schema_revision"])
    if manifest.owner_id != dazbox.owner_id:
        announce_owner_change(refer_to(dazbox))
    announce_rows_return(refer_to(dazbox))
    text = f"Restored to the backup of {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC"
    record_event(refer_to(dazbox), "restore", text=text, taken_at=manifest.taken_at.isoformat())
    return dazbox


def _copy_out(
    cursor: CursorWrapper, archive: tarfile.TarFile, *, name: str, columns: list[str], identities: list[str]
) -> TableCopy:
    with tempfile.SpooledTemporaryFile(MEMORY) as content:
        with cursor.copy(_copy_statement("COPY {} ({}) TO STDOUT (FORMAT binary)", name, columns=columns)) as copy:
            for block in copy:
                content.write(block)
        rows = cursor.rowcount
        add_member(archive, member_of(name), content=content)
        content.seek(0)
        return TableCopy(name, columns, rows, digest_of(content), _read_identities(cursor, name, columns=identities))


def _copy_in(cursor: CursorWrapper, archive: tarfile.TarFile, *, table: TableCopy) -> None:
    content = open_member(archive, member_of(table.name))
    statement = _copy_statement("COPY {} ({}) FROM STDIN (FORMAT binary)", table.name, columns=table.columns)
    with cursor.copy(statement) as copy:
        while block := content.read(BLOCK):
            copy.write(block)
    if cursor.rowcount != table.rows:
        raise ArchiveError(f"{table.name} has {cursor.rowcount} rows, the manifest says {table.rows}")
    for column, (last_value, is_called) in table.identities.items():
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence(%s, %s), %s, %s)", [table.name, column, last_value, is_called]
        )


def _copy_statement(text: str, table: str, *, columns: list[str]) -> sql.Composed:
    return sql.SQL(text).format(sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns)))


def _read_identities(cursor: CursorWrapper, table: str, *, columns: list[str]) -> dict[str, tuple[int, bool]]:
    """A sequence that never gave out a number says so, otherwise a restored one would skip it."""
    values = {}
    for column in columns:
        cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [table, column])
        [sequence] = cursor.fetchone()
        cursor.execute(f"SELECT last_value, is_called FROM {sequence}")  # noqa: S608 - quoted by PostgreSQL
        values[column] = cursor.fetchone()
    return values
