"""A later release migrates every box: the SQL once, each box on its own, whole or not at all."""

import io
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from nodes.models.node import OwnNode
from tenants.context import enter_tenant, use_schema
from tenants.models.dazbox import Dazbox
from tenants.models.template import SchemaTemplate
from tenants.provisioning.migration import migrate_tenants
from tenants.provisioning.schema import current_template
from tenants.provisioning.template import TEMPLATE_SCHEMA, refresh_template, script_current_schema
from tenants.provisioning.upgrade import plan_upgrade
from tenants.sealing.tenant import read_revision
from tests.committed import ROOT, child_environment, find_blocked, lock_table, other_session
from tests.db.tenants.test_schema_template import (
    CATALOG,
    describe,
    describe_checks,
    make_row,
    migrate_row,
    without_check_text,
)
from tests.factories import make_box
from tests.faults.embedded_instance import eventually
from tests.load.database import copied_database

LATER, WITH_PYTHON = "tests.fakes.later_migrations", "tests.fakes.python_migrations"
BOXES = 6


@pytest.fixture
def boxes(prepared: str, django_db_blocker: Any) -> Iterator[list[Dazbox]]:
    """Of the present release, each with one channel, in a database of their own."""
    with django_db_blocker.unblock(), copied_database(prepared):
        yield [add_channel(make_box(f"box {number}").dazbox, "1x1x1") for number in range(BOXES)]


def add_channel(dazbox: Dazbox, name: str) -> Dazbox:
    run_in(
        dazbox,
        "INSERT INTO nodes_channel (digest, first_seen_at, last_seq, state, changes) VALUES (%s, now(), 1, '', '')",
        name.encode(),
    )
    return dazbox


def run_in(dazbox: Dazbox, query: str, *params: object) -> list[tuple[Any, ...]]:
    with use_schema(dazbox.schema_name), connection.cursor() as cursor:
        cursor.execute(query, params or None)
        return list(cursor.fetchall()) if cursor.description else []


def release(settings: Any, migrations: str) -> str:
    """The later release's template is there, its boxes are not yet migrated. Returns the revision before."""
    before = current_template().revision
    settings.MIGRATION_MODULES = {"nodes": migrations}
    assert refresh_template().revision != before
    return before


def list_behind() -> list[str]:
    stdout = io.StringIO()
    call_command("list_behind", stdout=stdout)
    return [line.split()[1] for line in stdout.getvalue().splitlines()[:-1]]


def assert_like_migrated(dazbox: Dazbox, expected: Dazbox) -> None:
    for kind in CATALOG:
        built, wanted = describe(dazbox, kind), describe(expected, kind)
        if kind == "constraints":
            built, wanted = without_check_text(built), without_check_text(wanted)
        assert built == wanted, kind
    assert describe_checks(dazbox) == describe_checks(expected)


def test_every_box_gets_what_djangos_own_migrations_would_have_given(boxes: list[Dazbox], settings: Any) -> None:
    before = release(settings, LATER)
    assert plan_upgrade(before, current_template().revision).script is not None
    assert list_behind() == [box.schema_name for box in boxes]
    call_command("migrate_tenants", stdout=io.StringIO())
    assert list_behind() == []
    assert set(Dazbox.objects.values_list("schema_revision", flat=True)) == {current_template().revision}
    stock = migrate_row(make_row("migrated by django-tenants"))
    for box in boxes:
        assert_like_migrated(box, stock)
        assert run_in(box, "SELECT note, rank FROM nodes_channel") == [("it's 100 % new", 7)]
    assert (migrate_tenants().migrated, migrate_tenants().failures) == (0, {})


def test_a_box_of_a_release_without_marks_gets_what_draws_them(boxes: list[Dazbox]) -> None:
    older = take_marks_back()
    box = make_box("of the older release")
    assert box.dazbox.schema_revision == older
    assert describe(box.dazbox, "triggers") == []

    call_command("prepare", stdout=io.StringIO())

    assert describe(box.dazbox, "triggers") == describe(boxes[0], "triggers")
    with enter_tenant(box.tenant):
        before = read_revision()
        OwnNode.objects.create(last_seq=1)
        assert read_revision() != before


def take_marks_back() -> str:
    """The template as it was before, in force. Its revision."""
    with use_schema(TEMPLATE_SCHEMA):
        MigrationExecutor(connection).migrate([("nodes", "0001_initial")])
        ddl = script_current_schema(TEMPLATE_SCHEMA)
        assert "TRIGGER" not in ddl
    SchemaTemplate.objects.all().delete()
    SchemaTemplate.objects.create(revision="1" * 64, ddl=ddl)
    return "1" * 64


def test_prepare_migrates_the_boxes_too(boxes: list[Dazbox], settings: Any) -> None:
    settings.MIGRATION_MODULES = {"nodes": LATER}
    stdout = io.StringIO()
    call_command("prepare", stdout=stdout)
    assert f"{BOXES} boxes migrated" in stdout.getvalue()
    assert list_behind() == []


def test_a_box_that_fails_is_named_left_as_it_was_and_stops_no_other(boxes: list[Dazbox], settings: Any) -> None:
    release(settings, LATER)
    odd, tables = boxes[2], describe(boxes[2], "columns")
    run_in(odd, "CREATE INDEX channel_rank ON nodes_channel (last_seq)")
    stderr = io.StringIO()
    with pytest.raises(CommandError, match="5 boxes migrated, 1 failed"):
        call_command("migrate_tenants", stdout=io.StringIO(), stderr=stderr)
    assert stderr.getvalue() == f'{odd.id}: ProgrammingError: relation "channel_rank" already exists\n'
    assert list_behind() == [odd.schema_name]
    assert describe(odd, "columns") == tables
    run_in(odd, "DROP INDEX channel_rank")
    assert migrate_tenants().migrated == 1
    assert list_behind() == []


def test_a_box_in_use_does_not_hold_up_the_others(boxes: list[Dazbox], settings: Any) -> None:
    release(settings, LATER)
    busy = boxes[0]
    with other_session() as session, session.transaction():
        lock_table(session, busy.schema_name, "nodes_channel", mode="ACCESS SHARE")
        outcome = migrate_tenants()
    assert (outcome.migrated, list(outcome.failures)) == (BOXES - 1, [busy.id])
    assert "lock timeout" in outcome.failures[busy.id]
    assert migrate_tenants().migrated == 1


def test_python_in_a_migration_runs_in_each_box_and_only_there(boxes: list[Dazbox], settings: Any) -> None:
    refused = add_channel(boxes[1], "refused")
    add_channel(boxes[3], "2x2x2")
    before = release(settings, WITH_PYTHON)
    assert plan_upgrade(before, current_template().revision).script is None
    outcome = migrate_tenants()
    assert (outcome.migrated, outcome.failures) == (BOXES - 1, {refused.id: "ValueError: this box is refused"})
    assert run_in(boxes[3], "SELECT convert_from(digest, 'UTF8'), rank FROM nodes_channel ORDER BY 1") == [
        ("1x1x1", 0),
        ("2x2x2", 1),
    ]
    assert "rank" not in {column for _, column, *_ in describe(refused, "columns")}
    run_in(refused, "DELETE FROM nodes_channel WHERE digest = 'refused'")
    assert migrate_tenants().migrated == 1
    assert describe(refused, "migrations") == describe(boxes[0], "migrations")


def test_a_box_whose_old_revision_nobody_knows_is_migrated_all_the_same(boxes: list[Dazbox], settings: Any) -> None:
    release(settings, LATER)
    Dazbox.objects.filter(id=boxes[0].id).update(schema_revision="0" * 64)
    assert migrate_tenants().migrated == BOXES
    assert describe(boxes[0], "migrations") == describe(boxes[1], "migrations")


def test_killed_in_the_middle_no_box_is_half_migrated_and_the_next_run_goes_on(
    boxes: list[Dazbox], settings: Any
) -> None:
    environment = child_environment(DJANGO_SETTINGS_MODULE="tests.fakes.later_settings")
    command = [sys.executable, "manage.py", "migrate_tenants"]
    with other_session() as session, session.transaction():
        for box in boxes[3:]:
            lock_table(session, box.schema_name, "nodes_channel", mode="ACCESS SHARE")
        with subprocess.Popen(command, cwd=ROOT, env=environment) as child:
            assert eventually(lambda: len(find_blocked(session)) == 2)
            child.kill()
        behind = set(list_behind())
    assert 3 <= len(behind) < BOXES
    for box in boxes:
        assert ("rank" in {column for _, column, *_ in describe(box, "columns")}) is (box.schema_name not in behind)
    settings.MIGRATION_MODULES = {"nodes": LATER}
    assert migrate_tenants().migrated == len(behind)
    assert list_behind() == []


def test_two_at_once_migrate_each_box_once(boxes: list[Dazbox]) -> None:
    environment = child_environment(DJANGO_SETTINGS_MODULE="tests.fakes.later_settings")
    command = [sys.executable, "manage.py", "migrate_tenants"]
    children = [subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) for _ in range(2)]
    answers = [child.communicate(timeout=200)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    assert sum(int(answer.split()[0]) for answer in answers) == BOXES
    assert list_behind() == []
