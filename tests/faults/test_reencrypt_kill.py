"""kill -9 in the middle of sealing a box anew, then again: it goes on; readers and writers notice nothing."""

import datetime as dt
import io
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from psycopg import sql

from nodes.models.decision import Decision
from nodes.pipeline import reencrypt
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.ingest import accept_forwards, accept_snapshot
from nodes.pipeline.reencrypt import BATCH, destroy_old_keys, list_sealed_models, reencrypt_tenant
from nodes.pipeline.replay import replay_run
from nodes.selectors.chain import verify_chain
from nodes.selectors.forward import load_forwards
from tenants.context import enter_tenant
from tenants.models.tenant_key import TenantKey
from tenants.sealing.payload import SealedModel
from tenants.sealing.rewrap import rewrap_keys
from tenants.sealing.tenant import HEADER_BYTES, list_generations
from tests.api.tables import read_tables
from tests.committed import ROOT, child_environment, execute_as_owner, find_blocked, other_session, run_together
from tests.factories import TAKEN_AT, Box, make_box, make_channel, make_forward, make_snapshot
from tests.faults.embedded_instance import eventually
from tests.master_keys import add_master_key, use_master_keys

pytestmark = pytest.mark.fault
CHANNELS = BATCH + 50  # decisions, sealed last but some: two batches
FIRST_DECISION = "LOCK TABLE {schema}.nodes_decision IN SHARE MODE"
LAST_DECISION = "SELECT FROM {schema}.nodes_decision ORDER BY id DESC LIMIT 1 FOR UPDATE"  # in the second batch
FIRST_SNAPSHOT = "LOCK TABLE {schema}.nodes_snapshot IN SHARE MODE"
EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    return use_master_keys(tmp_path, settings, monkeypatch=monkeypatch)


@pytest.fixture
def box(committed_db: None) -> Box:
    made = make_box("resealed")
    with enter_tenant(made.tenant):
        accept_forwards([make_forward(number) for number in range(1, 60)], "60")
        accept_snapshot(make_snapshot(1, [make_channel(number) for number in range(1, CHANNELS + 1)]))
        run_cycle()
    return made


def count_by_generation(box: Box) -> Counter[int]:
    """Sealed values, by the generation they name."""
    values = [value for rows in read_tables(box).values() for row in rows for value in row]
    sealed = [value for value in values if isinstance(value, bytes) and len(value) > 64 and value[:4] == b"\x02\0\0\0"]
    return Counter(value[HEADER_BYTES - 1] for value in sealed)


def read_all(box: Box) -> list[Any]:
    with enter_tenant(box.tenant):
        rows = [row for model in list_sealed_models() for row in model.objects.order_by("pk")]  # type: ignore[attr-defined]
        return [[getattr(row, field.attname) for field in row.list_payloads()] for row in rows if is_kept(row)]


def is_kept(row: SealedModel) -> bool:
    return getattr(row, "kind", "") != "keys"  # the job's own notes


def reencrypt_and_die(box: Box, gate: str) -> None:
    """A process of its own, killed while it waits for what the gate holds."""
    command = [sys.executable, "manage.py", "reencrypt_tenant", str(box.dazbox.id)]
    with other_session() as session:
        with session.transaction():
            execute_as_owner(session, sql.SQL(gate).format(schema=sql.Identifier(box.dazbox.schema_name)))
            child = subprocess.Popen(command, cwd=ROOT, env=child_environment())
            try:
                assert eventually(lambda: find_blocked(session) != [])
            finally:
                child.kill()
                child.wait()
        assert eventually(lambda: find_blocked(session) == [])


def test_killed_and_run_again_it_goes_on_and_everything_is_read_throughout(box: Box) -> None:
    before = read_all(box)
    assert set(count_by_generation(box)) == {1}
    for gate in (FIRST_DECISION, LAST_DECISION, FIRST_SNAPSHOT):
        reencrypt_and_die(box, gate)
        assert read_all(box) == before
        assert list_generations(box.dazbox.id) == [1, 2]  # no run began anew
    midway = count_by_generation(box)
    assert midway[1] > 0 < midway[2]
    call_command("reencrypt_tenant", str(box.dazbox.id), stdout=io.StringIO())
    assert set(count_by_generation(box)) == {2}
    assert read_all(box) == before
    with enter_tenant(box.tenant):
        assert verify_chain().fault is None
        assert replay_run().differing == []
        assert len(load_forwards(since=EPOCH, until=TAKEN_AT)) == 59


def test_readers_and_reports_go_on_while_all_is_sealed_and_wrapped_anew(folder: Path, box: Box) -> None:
    readings: list[int] = []

    def reseal() -> list[int]:
        return [reencrypt_tenant(box.tenant) for _ in range(2)]

    def rewrap() -> list[int]:
        return [add_and_rewrap(folder) for _ in range(5)]

    def read() -> None:
        readings.extend(read_decisions(box) for _ in range(20))

    def report() -> None:
        for number in range(100, 120):
            report_forward(box, number)

    [resealed, rewrapped, *others] = run_together([reseal, rewrap, read, report])
    assert others == [None] * 2
    assert sum(rewrapped) >= 1  # a new key is seen by the next reading of the folder, not in the midst of one
    assert min(resealed) > CHANNELS
    assert readings == [CHANNELS] * 20
    assert list_generations(box.dazbox.id) == [1, 2, 3]
    with enter_tenant(box.tenant):
        assert len(load_forwards(since=EPOCH, until=TAKEN_AT)) == 79
        assert verify_chain().fault is None


def add_and_rewrap(folder: Path) -> int:
    add_master_key(folder, age=dt.timedelta(0))
    return rewrap_keys()


def read_decisions(box: Box) -> int:
    with enter_tenant(box.tenant):
        return len({row.inputs.channel.short_channel_id for row in Decision.objects.all()})


def report_forward(box: Box, number: int) -> None:
    with enter_tenant(box.tenant):
        accept_forwards([make_forward(number)], str(number))


def test_old_keys_are_destroyed_when_nothing_and_nobody_needs_them(box: Box) -> None:
    before = read_all(box)
    reencrypt_tenant(box.tenant)
    with pytest.raises(CommandError, match="again after"):
        call_command("reencrypt_tenant", str(box.dazbox.id), destroy_old_keys=True)
    age_keys(box)
    assert destroy_old_keys(box.tenant) == 1
    assert list_generations(box.dazbox.id) == [2]
    assert read_all(box) == before
    with enter_tenant(box.tenant):
        assert verify_chain().fault is None


def test_an_old_key_that_a_row_needs_is_not_destroyed(box: Box) -> None:
    reencrypt_and_die(box, LAST_DECISION)
    age_keys(box)
    with pytest.raises(CommandError, match="reencrypt_tenant"):
        call_command("reencrypt_tenant", str(box.dazbox.id), destroy_old_keys=True)
    assert list_generations(box.dazbox.id) == [1, 2]


def age_keys(box: Box) -> None:
    rows = TenantKey.objects.filter(dazbox=box.dazbox)
    for row in rows:
        rows.filter(id=row.id).update(created_at=row.created_at - reencrypt.LONGEST_STAY)
