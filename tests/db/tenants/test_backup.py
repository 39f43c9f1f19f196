"""A backup is one moment of one box; restoring it puts that box back to the byte and touches no other."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from mcp_saas.kit.crypto import KeyMissingError, SealBrokenError
from nodes.engine.credential import KeyAccess, Service
from nodes.models.candidate import CandidateList, CandidateWork
from nodes.models.channel import Channel
from nodes.models.credential import Credential
from nodes.models.journal import JournalEntry
from nodes.models.snapshot import Snapshot
from nodes.pipeline.credential import set_credential
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.ingest import accept_forwards
from nodes.pipeline.reencrypt import reencrypt_tenant
from nodes.selectors.chain import verify_chain
from nodes.selectors.credential import read_credential
from tenants.context import enter_tenant, use_schema
from tenants.models.dazbox import Dazbox
from tenants.models.revision import Revision
from tenants.models.template import SchemaTemplate
from tenants.models.tenant_key import TenantKey
from tenants.provisioning.archive import ArchiveError
from tenants.provisioning.backup import backup_tenant, restore_tenant
from tenants.provisioning.device import register_device
from tenants.provisioning.lifecycle import delete_dazbox
from tenants.provisioning.purge import purge_dazbox
from tenants.provisioning.schema import drop_schema
from tenants.provisioning.transfer import TransferTerms, transfer_dazbox
from tenants.sealing.tenant import current_keys, read_revision
from tests.committed import find_blocked, list_box_schemas, lock_table, other_session, run_together
from tests.conftest import fill_box
from tests.db.tenants.test_migration import describe, release
from tests.factories import Box, make_box, make_device_request, make_forward, make_offer
from tests.faults.embedded_instance import eventually
from tests.load.database import copied_database

TABLES = """
SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r' ORDER BY relname
"""
# Every byte of every row and where it lies; `ctid` and `xmin` would change if somebody so much as wrote it anew.
HASH = "SELECT coalesce(md5(string_agg(t.ctid::text || t.xmin::text || t::text, '' ORDER BY t.ctid)), '') FROM {} t"
CONTENT = "SELECT coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '') FROM {} t"
# The restore writes an entry of its own into the journal and its chain; rows of migrations have an instant.
OWN_NOTES = {"nodes_journalentry", "nodes_journallink", "nodes_journalhead", "django_migrations"}


@pytest.fixture
def boxes(prepared: str, django_db_blocker: Any) -> Iterator[tuple[Box, Box]]:
    """Two busy boxes in a database of their own."""
    with django_db_blocker.unblock(), copied_database(prepared):
        yield fill_box(make_box("restored"), forwards=12), fill_box(make_box("neighbour"), forwards=30)


def hash_tables(box: Box, query: str) -> dict[str, str]:
    with use_schema(box.dazbox.schema_name), connection.cursor() as cursor:
        cursor.execute(TABLES, [box.dazbox.schema_name])
        hashes = {}
        for (table,) in cursor.fetchall():
            cursor.execute(query.format(table))
            [hashes[table]] = cursor.fetchone()
    return hashes


def content_of(box: Box) -> dict[str, str]:
    return {table: value for table, value in hash_tables(box, CONTENT).items() if table not in OWN_NOTES}


def go_on(box: Box) -> None:
    """The box reports more, and a cycle runs."""
    with enter_tenant(box.tenant):
        accept_forwards([make_forward(number) for number in range(100, 140)], "later")
        run_cycle()


def rewrite(
    source: Path, target: Path, *, spoilt: str | None = None, left_out: str | None = None, **manifest: Any
) -> Path:
    """A copy of a backup with one member spoilt or left out, or with other words in the manifest."""
    with tarfile.open(source) as given, tarfile.open(target, "w") as made:
        for member in given.getmembers():
            content = given.extractfile(member).read()  # type: ignore[union-attr]
            if member.name == left_out:
                continue
            if member.name == spoilt:
                content = bytes([content[0] ^ 1]) + content[1:]
            if member.name == "manifest.json":
                content = json.dumps(json.loads(content) | manifest).encode()
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return target


def test_a_restored_box_is_what_it_was_and_the_others_are_untouched(boxes: tuple[Box, Box], tmp_path: Path) -> None:
    box, neighbour = boxes
    file = tmp_path / "backup.tar"
    call_command("backup_tenant", box.pubkey, str(file), stdout=io.StringIO())
    before, schemas = content_of(box), list_box_schemas()
    go_on(box)
    go_on(neighbour)
    beside = hash_tables(neighbour, HASH)
    changed = content_of(box)
    assert {"nodes_forwardday", "nodes_decision", "nodes_cyclerun"} <= {t for t in before if before[t] != changed[t]}
    call_command("restore_tenant", str(file), stdout=io.StringIO())
    assert content_of(box) == before
    assert hash_tables(neighbour, HASH) == beside
    assert list_box_schemas() == schemas
    go_on(box)  # in service: new rows find numbers that are free
    with enter_tenant(box.tenant):
        assert JournalEntry.objects.filter(kind="restore").count() == 1
        assert verify_chain().fault is None


def test_a_restored_box_takes_back_no_name_of_an_answer(boxes: tuple[Box, Box], tmp_path: Path) -> None:
    """What is kept was made of rows that are gone, or of those that have come back: nobody can tell which."""
    box, neighbour = boxes
    names, others = {name_of(box)}, name_of(neighbour)
    backup_tenant(box.pubkey, tmp_path / "backup.tar")
    go_on(box)
    for _ in range(2):
        names.add(name_of(box))
        restore_tenant(tmp_path / "backup.tar")
        assert name_of(box) not in names
    assert name_of(neighbour) == others


def test_what_is_not_in_the_backup_has_no_mark_any_more(boxes: tuple[Box, Box], tmp_path: Path) -> None:
    box, _ = boxes
    backup_tenant(box.pubkey, tmp_path / "backup.tar")
    with enter_tenant(box.tenant):
        CandidateList.objects.create(load_id=1, made_at=timezone.now(), work=CandidateWork(candidates=[], peers=[]))
    marks = Revision.objects.filter(schema_name=box.dazbox.schema_name)
    assert marks.count() == 3
    restore_tenant(tmp_path / "backup.tar")
    assert set(marks.values_list("table_name", flat=True)) == {"nodes_ownnode", "nodes_journalhead"}


def name_of(box: Box) -> str:
    with enter_tenant(box.tenant):
        return read_revision()


def test_the_file_names_its_box_and_is_for_its_owners_eyes_only(boxes: tuple[Box, Box], tmp_path: Path) -> None:
    box, _ = boxes
    file = tmp_path / "backup.tar"
    manifest = backup_tenant(box.pubkey, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert (manifest.dazbox_id, manifest.revision) == (box.dazbox.id, box.dazbox.schema_revision)
    with tarfile.open(file) as archive:
        for table in manifest.tables:
            content = archive.extractfile(f"{table.name}.copy").read()  # type: ignore[union-attr]
            assert hashlib.sha256(content).hexdigest() == table.sha256
    assert {table.name: table.rows for table in manifest.tables}["nodes_channel"] == 2
    assert list(tmp_path.iterdir()) == [file]


def test_a_backup_is_one_moment_however_long_it_takes(boxes: tuple[Box, Box], tmp_path: Path) -> None:
    """It is held at its last table while another session commits to the first."""
    box, _ = boxes
    names = [table.name for table in backup_tenant(box.pubkey, tmp_path / "first.tar").tables]
    before, schema = content_of(box), box.dazbox.schema_name

    def write_meanwhile() -> None:
        with other_session() as session, session.transaction():
            lock_table(session, schema, names[-1], mode="ACCESS EXCLUSIVE")
            assert eventually(lambda: find_blocked(session) != [])
            with enter_tenant(box.tenant):
                Channel.objects.update(last_seq=F("last_seq") + 1)

    def back_up() -> None:
        assert eventually(lambda: is_locked(schema, names[-1]))
        backup_tenant(box.pubkey, tmp_path / "backup.tar")

    assert run_together([write_meanwhile, back_up]) == [None, None]
    assert content_of(box) != before
    restore_tenant(tmp_path / "backup.tar")
    assert content_of(box) == before


def is_locked(schema: str, table: str) -> bool:
    with use_schema(schema), connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM pg_locks WHERE relation = %s::regclass AND mode = 'AccessExclusiveLock' AND granted",
            [f'"{schema}".{table}'],
        )
        return cursor.fetchone() is not None


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"spoilt": "nodes_channel.copy"}, "was changed since the backup"),
        ({"left_out": "nodes_channel.copy"}, "no whole backup"),
        ({"left_out": "manifest.json"}, "no whole backup"),
        ({"format": 2}, "format 2"),
        ({"tables": []}, "not those of its revision"),
        ({"revision": "0" * 64}, "never had"),
        ({"dazbox_id": "00000000-0000-4000-8000-000000000000"}, "its own box only"),
    ],
)
def test_a_file_that_is_not_right_changes_nothing(
    boxes: tuple[Box, Box], tmp_path: Path, change: dict[str, Any], hint: str
) -> None:
    box, _ = boxes
    backup_tenant(box.pubkey, tmp_path / "backup.tar")
    go_on(box)
    before = hash_tables(box, HASH)
    file = rewrite(tmp_path / "backup.tar", tmp_path / "other.tar", **change)
    with pytest.raises(CommandError, match=f"Nothing was changed: .*{hint}"):
        call_command("restore_tenant", str(file), stdout=io.StringIO())
    assert hash_tables(box, HASH) == before


def test_a_backup_is_sealed_and_after_the_purge_nobody_opens_it(boxes: tuple[Box, Box], tmp_path: Path) -> None:
    box, neighbour = boxes
    backup_tenant(box.pubkey, tmp_path / "backup.tar")
    content = (tmp_path / "backup.tar").read_bytes()
    for channel in box.channels:
        assert channel.short_channel_id.encode() not in content
        assert channel.peer_pubkey.encode() not in content
    [sealed] = read_sealed_snapshots(box)
    delete_dazbox(box.dazbox.id, actor="test", reason="test", at_once=True)
    purge_dazbox(Dazbox.objects.get(id=box.dazbox.id))
    with pytest.raises(ArchiveError, match="its own box only"):
        restore_tenant(tmp_path / "backup.tar")
    place = {"table": "nodes_snapshot", "column": "content", "row": "1"}
    with enter_tenant(box.tenant), pytest.raises(KeyMissingError):
        current_keys().open(sealed, **place)
    with enter_tenant(neighbour.tenant), pytest.raises(SealBrokenError):
        current_keys().open(sealed, **place)


def read_sealed_snapshots(box: Box) -> list[bytes]:
    with enter_tenant(box.tenant):
        return [bytes(sealed) for sealed in Snapshot.objects.values_list("content", flat=True)]  # type: ignore[arg-type]


def test_a_backup_whose_key_was_destroyed_changes_nothing(boxes: tuple[Box, Box], tmp_path: Path) -> None:
    box, _ = boxes
    backup_tenant(box.pubkey, tmp_path / "backup.tar")
    reencrypt_tenant(box.tenant)
    restore_tenant(tmp_path / "backup.tar")  # while the old key is there, it is good
    reencrypt_tenant(box.tenant)
    TenantKey.objects.filter(dazbox=box.dazbox, generation=1).delete()
    before = hash_tables(box, HASH)
    with pytest.raises(ArchiveError, match="key it is sealed with was destroyed"):
        restore_tenant(tmp_path / "backup.tar")
    assert hash_tables(box, HASH) == before


def test_half_a_file_and_no_file_are_refused(boxes: tuple[Box, Box], tmp_path: Path) -> None:
    box, _ = boxes
    whole = tmp_path / "backup.tar"
    backup_tenant(box.pubkey, whole)
    half = tmp_path / "half.tar"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    for file in (half, tmp_path / "none.tar"):
        with pytest.raises(ArchiveError):
            restore_tenant(file)


def test_of_a_box_that_is_not_in_service_there_is_no_backup(boxes: tuple[Box, Box], tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no box in service"):
        call_command("backup_tenant", "02" + "0" * 64, str(tmp_path / "backup.tar"))
    assert list(tmp_path.iterdir()) == []


def test_a_backup_of_an_older_release_is_migrated_as_it_is_restored(
    boxes: tuple[Box, Box], tmp_path: Path, settings: Any
) -> None:
    box, _ = boxes
    backup_tenant(box.pubkey, tmp_path / "backup.tar")
    release(settings, "tests.fakes.later_migrations")
    call_command("migrate_tenants", stdout=io.StringIO())
    migrated = describe(box.dazbox, "columns")
    with transaction.atomic():
        drop_schema(box.dazbox.schema_name)  # it is lost
    restored = restore_tenant(tmp_path / "backup.tar")
    assert restored.schema_revision == SchemaTemplate.objects.latest().revision
    assert describe(restored, "columns") == migrated
    assert Dazbox.objects.get(id=box.dazbox.id).schema_revision == restored.schema_revision


def store_credentials(box: Box) -> None:
    with enter_tenant(box.tenant):
        set_credential(Service.OPENAI, make_offer(), actor="test")
        set_credential(Service.LND, make_offer("5eed" * 60, url="https://lnd.example"), actor="test")


def count_credentials(box: Box) -> int:
    with enter_tenant(box.tenant):
        return int(Credential.objects.count())


def test_credentials_stay_sealed_in_the_file_and_come_back_with_it(boxes: tuple[Box, Box], tmp_path: Path) -> None:
    box, file = boxes[0], tmp_path / "backup.tar"
    store_credentials(box)
    manifest = backup_tenant(box.pubkey, file)
    assert {table.name: table.rows for table in manifest.tables}["nodes_credential"] == 2
    content = file.read_bytes()
    assert not [text for text in (make_offer().secret, "5eed" * 60, "lnd.example") if text.encode() in content]
    with enter_tenant(box.tenant):
        Credential.objects.all().delete()
    restore_tenant(file)
    with enter_tenant(box.tenant):
        assert read_credential(Service.OPENAI) == KeyAccess(make_offer().secret)


def test_a_backup_brings_back_no_credential_of_another_owner(boxes: tuple[Box, Box], tmp_path: Path) -> None:
    """Neither restored on the way to the next one nor when they have the box."""
    box, file = boxes[0], tmp_path / "backup.tar"
    store_credentials(box)
    backup_tenant(box.pubkey, file)
    code = transfer_dazbox(box.dazbox.id, TransferTerms(expires_in=timedelta(days=1)), actor="test").code
    assert count_credentials(box) == 0
    restore_tenant(file)
    register_device(make_device_request(box.name, code=code))
    assert count_credentials(box) == 0
    restore_tenant(file)
    assert count_credentials(box) == 0
