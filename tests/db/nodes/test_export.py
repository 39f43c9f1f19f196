"""An export is everything about one box at one moment: each line by its schema, each table whole, no secret in it."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.db.models import BinaryField, DurationField, Model
from django.utils import timezone
from psycopg import sql

from nodes.engine.credential import Service
from nodes.models.export import ExportChunk
from nodes.models.forward import ForwardDay
from nodes.pipeline.credential import set_credential
from nodes.pipeline.export.archive import begin_snapshot, write_archive
from nodes.pipeline.export.order import MAX_ATTEMPTS, request_export, run_export, tend_exports
from nodes.pipeline.export.record import is_secret, record_of
from nodes.pipeline.export.store import read_chunks
from nodes.pipeline.export.table import LEFT_OUT, list_tables
from nodes.pipeline.journal import note
from tenants.context import enter_tenant, use_schema
from tenants.models.dazbox import Dazbox
from tenants.models.export import Export, ExportState
from tenants.models.refresh_token import RefreshToken
from tenants.provisioning.backup import backup_tenant, restore_tenant
from tenants.provisioning.lifecycle import delete_dazbox
from tenants.provisioning.proof import create_challenge, note_failure
from tenants.provisioning.transfer import TransferTerms, transfer_dazbox
from tenants.sealing.payload import PayloadField
from tenants.tokens.refresh import issue_tokens
from tests.committed import other_session
from tests.conftest import fill_box
from tests.factories import Box, make_api_key, make_box, make_offer
from tests.load.database import empty_database

# Tables of the public schema that say nothing about any one box, and Django's own.
NOT_OF_A_BOX = {
    "catalogue_cataloguestate", "catalogue_mcpserver", "catalogue_mcppin",
    "library_departedbox",  # of no box any more
    "library_librarychunk",
    "library_librarydocument",
    "library_libraryembedding",
    "tenants_provisioningclient", "tenants_operatorfactor", "tenants_failedsignin", "tenants_spareschema",
    "tenants_schematemplate", "tenants_spentassertion", "tenants_revision", "graph_graphload", "graph_graphnode",
    "graph_graphtopology", "graph_graphupload",
}  # fmt: skip
DJANGO_TABLES = ("auth_", "django_")


@pytest.fixture(scope="module")
def boxes(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Box, Box]]:
    """Alice with a row in every table we can fill, and bob beside her, in a database of their own."""
    with django_db_blocker.unblock(), empty_database():
        alice, bob = fill_box(make_box("alice"), forwards=30), fill_box(make_box("bob"), forwards=40)
        issue_tokens(subject="alice", scope="device", dazbox=alice.dazbox)
        create_challenge(alice.pubkey)
        note_failure("192.0.2.1", alice.pubkey)
        make_api_key(alice)
        yield alice, bob


@pytest.fixture(autouse=True)
def forget_orders(boxes: tuple[Box, Box]) -> Iterator[None]:
    yield
    Export.objects.all().delete()


def order(box: Box) -> Export:
    return request_export(box.dazbox.id, actor="test")


def make_export(box: Box) -> zipfile.ZipFile:
    export = order(box)
    run_export(export.id)
    export.refresh_from_db()
    assert export.state == ExportState.READY
    content = b"".join(read_chunks(box.tenant, export.id, count=export.chunk_count))
    assert (len(content), hashlib.sha256(content).hexdigest()) == (export.size_bytes, export.sha256)
    return zipfile.ZipFile(io.BytesIO(content))


def read_manifest(archive: zipfile.ZipFile) -> Any:
    return json.loads(archive.read("manifest.json"))


def lines_of(archive: zipfile.ZipFile, file: str) -> list[Any]:
    return [json.loads(line) for line in archive.read(file).splitlines()]


def count_rows(query: str, parameters: list[object]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return int(cursor.fetchone()[0])


def test_every_file_is_as_the_manifest_says_and_nothing_else_is_there(boxes: tuple[Box, Box]) -> None:
    archive = make_export(boxes[0])
    manifest = read_manifest(archive)
    assert archive.testzip() is None
    listed = {name for table in manifest["tables"] for name in (table["file"], table["schema"])}
    assert set(archive.namelist()) == listed | {"manifest.json"}
    for table in manifest["tables"]:
        assert hashlib.sha256(archive.read(table["file"])).hexdigest() == table["sha256"]
        assert hashlib.sha256(archive.read(table["schema"])).hexdigest() == table["schema_sha256"]
        assert len(lines_of(archive, table["file"])) == table["rows"]


def test_every_line_is_valid_by_its_schema_and_a_spoilt_one_is_not(boxes: tuple[Box, Box]) -> None:
    archive = make_export(boxes[0])
    checked = 0
    for table in read_manifest(archive)["tables"]:
        schema = json.loads(archive.read(table["schema"]))
        validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
        validator.check_schema(schema)
        for line in lines_of(archive, table["file"]):
            validator.validate(line)
            assert not validator.is_valid(line | {"unknown": 1})
            checked += 1
    assert checked > 30


def test_every_table_of_the_box_is_in_it_with_every_row(boxes: tuple[Box, Box]) -> None:
    alice, _ = boxes
    archive = make_export(alice)
    rows = {table["file"]: table["rows"] for table in read_manifest(archive)["tables"]}
    with use_schema(alice.tenant.schema_name), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        tables = {name for (name,) in cursor.fetchall()} - set(LEFT_OUT)
        counts = {f"box/{name}.ndjson": count_rows(f'SELECT count(*) FROM "{name}"', []) for name in tables}  # noqa: S608
    assert {file: count for file, count in rows.items() if file.startswith("box/")} == counts
    assert counts["box/nodes_decision.ndjson"] == 2
    assert set(read_manifest(archive)["left_out"]) == set(LEFT_OUT)


@pytest.mark.parametrize(
    ("table", "condition"),
    [
        ("tenants_dazbox", "id = %(id)s"),
        ("tenants_owner", "id = (SELECT owner_id FROM tenants_dazbox WHERE id = %(id)s)"),
        ("tenants_claim", "dazbox_id = %(id)s"),
        ("tenants_apikey", "dazbox_id = %(id)s"),
        ("tenants_refreshtoken", "dazbox_id = %(id)s"),
        ("tenants_cycleschedule", "dazbox_id = %(id)s"),
        ("tenants_joblane", "dazbox_id = %(id)s"),
        ("tenants_export", "dazbox_id = %(id)s"),
        ("tenants_challenge", "pubkey = %(pubkey)s"),
        ("tenants_redeemfailure", "position(%(pubkey)s in source) > 0"),
    ],
)
def test_the_public_rows_about_the_box_are_in_it_and_no_others(
    boxes: tuple[Box, Box], table: str, condition: str
) -> None:
    alice, _ = boxes
    archive = make_export(alice)
    rows = lines_of(archive, f"account/{table}.ndjson")
    with connection.cursor() as cursor:
        query = f"SELECT count(*) FROM {table} WHERE {condition}"  # noqa: S608 - of the list above
        cursor.execute(query, {"id": alice.dazbox.id, "pubkey": alice.pubkey})
        assert len(rows) == cursor.fetchone()[0] > 0


def test_no_public_table_was_forgotten(boxes: tuple[Box, Box]) -> None:
    """Whoever adds one says here that it tells of no box, or gives it a key to the box."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        present = {name for (name,) in cursor.fetchall() if not name.startswith(DJANGO_TABLES)}
    exported = {table.name.removeprefix("account/") for table in list_tables(boxes[0].dazbox) if table.is_public}
    assert present - NOT_OF_A_BOX == exported


def test_what_is_sealed_or_packed_is_readable_in_it(boxes: tuple[Box, Box]) -> None:
    archive = make_export(boxes[0])
    channels = lines_of(archive, "box/nodes_channel.ndjson")
    assert channels[0]["state"]["peer_alias"] == "alice peer"
    forwards = [f["id"] for day in lines_of(archive, "box/nodes_forwardday.ndjson") for f in day["forwards"]]
    assert sorted(forwards) == sorted(f"forward-{number}" for number in range(1, 31))
    decisions = lines_of(archive, "box/nodes_decision.ndjson")
    assert decisions[0]["outcome"]["reason"]


def test_secrets_are_left_out_and_named(boxes: tuple[Box, Box]) -> None:
    alice, _ = boxes
    with enter_tenant(alice.tenant):
        set_credential(Service.OPENAI, make_offer(), actor="test")
    archive = make_export(alice)
    left_out = {table["file"].split("/")[1]: table["left_out"] for table in read_manifest(archive)["tables"]}
    assert left_out["tenants_refreshtoken.ndjson"] == ["digest"]
    assert left_out["tenants_apikey.ndjson"] == ["digest"]
    assert left_out["tenants_claim.ndjson"] == ["digest"]
    assert left_out["nodes_credential.ndjson"] == ["access"]
    assert left_out["nodes_channel.ndjson"] == []
    everything = b"".join(archive.read(name) for name in archive.namelist())
    digest = bytes(RefreshToken.objects.get(dazbox=alice.dazbox).digest)
    assert alice.pubkey.encode() in everything
    assert digest not in everything
    assert digest.hex().encode() not in everything
    assert make_offer().secret.encode() not in everything
    [row] = lines_of(archive, "box/nodes_credential.ndjson")
    assert (row["service"], row["last_used_at"]) == ("openai", None)


def test_raw_bytes_are_secrets_unless_they_are_known_to_be_none() -> None:
    raw = [
        field
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, BinaryField) and not isinstance(field, PayloadField)
    ]
    shown = {str(field) for field in raw if not is_secret(field)}
    assert shown == {
        "nodes.Channel.digest",
        "nodes.Decision.channel_digest",
        "nodes.Snapshot.digest",
        "nodes.JournalLink.content_hash",
        "nodes.JournalLink.link_hash",
        "nodes.JournalHead.link_hash",
        "tenants.Dazbox.pubkey_digest",
    }
    assert len(raw) > len(shown)


def test_nothing_of_another_box_is_in_it(boxes: tuple[Box, Box]) -> None:
    alice, bob = boxes
    archive = make_export(alice)
    everything = b"".join(archive.read(name) for name in archive.namelist())
    for of_bob in ("bob", bob.pubkey, str(bob.dazbox.id), bob.tenant.schema_name, str(bob.dazbox.owner_id)):
        assert of_bob.encode() not in everything


def test_it_is_one_moment_whatever_happens_meanwhile(boxes: tuple[Box, Box]) -> None:
    """Another session deletes every forward and renames the box when the export has begun."""
    box, file = fill_box(make_box("meddled"), forwards=3), io.BytesIO()
    with transaction.atomic():
        begin_snapshot()
        dazbox = Dazbox.objects.get(id=box.dazbox.id)
        with other_session() as session:
            session.execute("UPDATE tenants_dazbox SET alias = 'renamed' WHERE id = %s", [dazbox.id])
            schema = sql.Identifier(box.tenant.schema_name)
            session.execute(sql.SQL("SET ROLE {0}; DELETE FROM {0}.nodes_forwardday").format(schema))
        write_archive(dazbox, file)
    archive = zipfile.ZipFile(file)
    [row] = lines_of(archive, "account/tenants_dazbox.ndjson")
    assert row["alias"] == "meddled"
    assert sum(len(day["forwards"]) for day in lines_of(archive, "box/nodes_forwardday.ndjson")) == 3
    with enter_tenant(box.tenant):
        assert not ForwardDay.objects.exists()


def test_rows_of_many_pages_come_once_and_in_order(boxes: tuple[Box, Box], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodes.pipeline.export.table.PAGE_BYTES", 700)
    [table] = [table for table in list_tables(boxes[0].dazbox) if table.name == "box/nodes_journalentry"]
    with enter_tenant(boxes[0].tenant):
        for number in range(40):
            note("test", f"line {number}")
    ids = [json.loads(line)["id"] for line in table.read_lines()]
    assert len(ids) > 40
    assert ids == sorted(set(ids))


def test_a_message_that_comes_twice_makes_one_export(boxes: tuple[Box, Box]) -> None:
    export = order(boxes[0])
    run_export(export.id)
    first = Export.objects.get(id=export.id)
    run_export(export.id)
    assert Export.objects.get(id=export.id).finished_at == first.finished_at
    assert first.attempts == 1


def break_alice(box: Box) -> None:
    with use_schema(box.tenant.schema_name), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE nodes_channel RENAME TO nodes_channel_away")


def mend_alice(box: Box) -> None:
    with use_schema(box.tenant.schema_name), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE nodes_channel_away RENAME TO nodes_channel")


def test_a_failed_attempt_leaves_no_half_archive_and_is_repeated_three_times(boxes: tuple[Box, Box]) -> None:
    alice, _ = boxes
    export = order(alice)
    break_alice(alice)
    try:
        states = []
        for _ in range(MAX_ATTEMPTS):
            with pytest.raises(ProgrammingError, match="nodes_channel"):
                run_export(export.id)
            states.append(Export.objects.get(id=export.id).state)
    finally:
        mend_alice(alice)
    assert states == ["pending", "pending", "failed"]
    with enter_tenant(alice.tenant):
        assert not ExportChunk.objects.filter(export_id=export.id).exists()


def test_a_lost_export_is_handed_out_again_and_an_expired_one_is_removed(boxes: tuple[Box, Box]) -> None:
    alice, bob = boxes
    lost, expired = order(alice), order(bob)
    run_export(expired.id)
    now = timezone.now()
    Export.objects.filter(id=lost.id).update(
        state=ExportState.RUNNING,
        attempts=1,
        started_at=now - timedelta(hours=1),
        requested_at=now - timedelta(hours=1),
    )
    Export.objects.filter(id=expired.id).update(expires_at=now)
    handed_out: list[object] = []
    assert tend_exports(handed_out.append) == 1
    assert handed_out == [lost.id]
    assert not Export.objects.filter(id=expired.id).exists()
    with enter_tenant(bob.tenant):
        assert not ExportChunk.objects.exists()
    run_export(lost.id)
    assert Export.objects.get(id=lost.id).state == ExportState.READY


def test_a_large_archive_lies_in_many_pieces(boxes: tuple[Box, Box], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodes.pipeline.export.store.CHUNK_BYTES", 1000)
    make_export(boxes[0])
    [export] = Export.objects.all()
    assert export.chunk_count == -(-export.size_bytes // 1000) > 5


def test_the_command_writes_the_same_to_a_private_file(boxes: tuple[Box, Box], tmp_path: Path) -> None:
    alice, _ = boxes
    file = tmp_path / "export.zip"
    call_command("export_tenant", alice.pubkey, str(file), stdout=io.StringIO())
    by_command = {table["file"]: table["sha256"] for table in read_manifest(zipfile.ZipFile(file))["tables"]}
    with make_export(alice) as archive:
        by_order = {table["file"]: table["sha256"] for table in read_manifest(archive)["tables"]}
    changed = {name for name in by_command if by_command[name] != by_order[name]}
    journal = {f"box/nodes_journal{part}.ndjson" for part in ("entry", "link", "head")}
    assert changed <= {"account/tenants_export.ndjson"} | journal  # the order itself is noted there
    assert len(by_command) == len(by_order) > 15
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CommandError, match="no box with data"):
        call_command("export_tenant", "02" + "0" * 64, str(tmp_path / "none.zip"))
    assert not (tmp_path / "none.zip").exists()


def test_a_backup_holds_no_exports_and_restoring_ends_them(boxes: tuple[Box, Box], tmp_path: Path) -> None:
    _, bob = boxes
    make_export(bob)
    manifest = backup_tenant(bob.pubkey, tmp_path / "backup.tar")
    assert "nodes_exportchunk" not in {table.name for table in manifest.tables}
    restore_tenant(tmp_path / "backup.tar")
    assert not Export.objects.filter(dazbox=bob.dazbox).exists()


def test_a_wiped_history_takes_its_exports_along(boxes: tuple[Box, Box]) -> None:
    box = make_box("handed over")
    make_export(box)
    transfer_dazbox(box.dazbox.id, TransferTerms(expires_in=timedelta(days=1), wipes_history=True), actor="test")
    assert not Export.objects.filter(dazbox=box.dazbox).exists()


def test_a_box_about_to_be_deleted_is_exported_as_it_is(boxes: tuple[Box, Box]) -> None:
    box = make_box("leaving")
    delete_dazbox(box.dazbox.id, actor="test", reason="because", at_once=False)
    [row] = lines_of(make_export(box), "account/tenants_dazbox.ndjson")
    assert (row["state"], row["alias"]) == ("pending_deletion", "leaving")


def test_a_column_of_an_unknown_kind_is_told_at_once() -> None:
    class Odd(Model):  # noqa: DJ008 - no row is ever shown
        value = DurationField()

        class Meta:
            app_label = "nodes"
            managed = False

    try:
        with pytest.raises(TypeError, match=r"say in nodes\.pipeline\.export\.record"):
            record_of(Odd)
    finally:
        del apps.all_models["nodes"]["odd"]
        apps.clear_cache()
