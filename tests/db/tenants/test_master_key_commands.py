"""Master keys change while everything stays readable: publish, wrap anew, retire."""

import datetime as dt
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from mcp_saas.kit.crypto import KeyMissingError, SealBrokenError
from nodes.models.snapshot import Snapshot
from tenants.context import enter_tenant
from tenants.models.tenant_key import TenantKey
from tenants.sealing.master import MasterRing, read_master_ring
from tenants.sealing.tenant import add_generation, create_keys
from tests.conftest import fill_box
from tests.factories import Box, make_box
from tests.master_keys import HOUR, add_master_key, use_master_keys


@pytest.fixture
def folder(db: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    TenantKey.objects.all().delete()
    return use_master_keys(tmp_path, settings, monkeypatch=monkeypatch)


@pytest.fixture
def box(folder: Path) -> Box:
    return fill_box(make_box("wrapped"), forwards=3)


def file_of(folder: Path, kid: str) -> str:
    return read_master_ring(folder).keys[kid].path.name


def run(*command: str) -> str:
    call_command(*command, stdout=(out := io.StringIO()))
    return out.getvalue()


def read(box: Box) -> object:
    with enter_tenant(box.tenant):
        return Snapshot.objects.get().content


def ring_of(folder: Path) -> MasterRing:
    return read_master_ring(folder)


def test_a_key_is_added_and_takes_over_a_minute_later(folder: Path) -> None:
    [old] = ring_of(folder).keys
    assert "keep a copy" in run("add_master_key")
    ring, now = ring_of(folder), timezone.now()
    assert len(ring.keys) == 2
    assert ring.wrapper_at(now).kid == old
    assert ring.wrapper_at(now + dt.timedelta(seconds=61)).kid != old


def test_a_master_key_is_changed_step_by_step_and_the_box_stays_readable(box: Box, folder: Path) -> None:
    before, [old] = read(box), ring_of(folder).keys
    new = add_master_key(folder, age=HOUR / 2)
    assert read(box) == before
    with pytest.raises(CommandError, match="1 keys of boxes are under it"):
        run("retire_master_key", file_of(folder, old))
    assert run("list_master_keys").splitlines()[0].split()[2] == "1"
    assert run("rewrap_data_keys") == "1 keys wrapped anew\n"
    assert run("rewrap_data_keys") == "0 keys wrapped anew\n"
    assert read(box) == before
    assert old in run("retire_master_key", file_of(folder, old))
    assert list(ring_of(folder).keys) == [new]
    assert read(box) == before


def test_a_key_that_wraps_or_did_just_now_is_not_retired(folder: Path) -> None:
    [old] = ring_of(folder).keys
    new = add_master_key(folder, age=dt.timedelta(minutes=9))
    for kid in (old, new):
        with pytest.raises(CommandError, match="add_master_key"):
            run("retire_master_key", file_of(folder, kid))
    with pytest.raises(CommandError, match="no such key"):
        run("retire_master_key", "another.key")


def test_a_lost_master_key_is_named_and_nothing_is_made_up(box: Box, folder: Path) -> None:
    [old] = ring_of(folder).keys
    lost = (folder / file_of(folder, old)).rename(folder.parent / "lost")
    add_master_key(folder, age=HOUR)
    with pytest.raises(KeyMissingError, match=f"master key {old} is not in MASTER_KEYS_DIR: put its file back"):
        read(box)
    with pytest.raises(CommandError, match=old):
        run("rewrap_data_keys")
    with pytest.raises(CommandError, match="Put the files of the missing keys back"):
        call_command("list_master_keys", stdout=(listed := io.StringIO()))
    assert listed.getvalue().splitlines()[1] == f"{old}  MISSING, 1 keys"
    assert TenantKey.objects.get().master_kid == old
    lost.rename(folder / "20200101T000000000000.key")
    assert read(box) is not None
    assert "MISSING" not in run("list_master_keys")


def test_a_wrong_master_key_under_a_known_kid_is_refused_without_a_secret(box: Box) -> None:
    row = TenantKey.objects.get()
    TenantKey.objects.update(wrapped=bytes(92))
    with pytest.raises(SealBrokenError, match=f"does not open with master key {row.master_kid}"):
        read(box)


def test_a_wrapped_key_is_good_for_its_own_box_and_generation_only(box: Box, folder: Path) -> None:
    other = make_box("other")
    wrapped = bytes(TenantKey.objects.get(dazbox=other.dazbox).wrapped)
    TenantKey.objects.filter(dazbox=box.dazbox).update(wrapped=wrapped)
    with pytest.raises(SealBrokenError):
        read(box)
    add_generation(other.dazbox.id)
    TenantKey.objects.filter(dazbox=other.dazbox, generation=2).update(wrapped=wrapped)
    with pytest.raises(SealBrokenError):
        add_generation(other.dazbox.id)


def test_a_box_that_has_keys_keeps_them(box: Box) -> None:
    wrapped = bytes(TenantKey.objects.get().wrapped)
    create_keys(box.dazbox.id)
    assert bytes(TenantKey.objects.get().wrapped) == wrapped


def test_no_key_is_in_the_database_in_the_clear(box: Box, folder: Path) -> None:
    secret = next(folder.glob("*.key")).read_text().strip()
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM tenants_tenantkey t")
        [[row]] = cursor.fetchall()
    assert secret not in row


def test_prepare_makes_the_first_master_key_and_never_a_second(folder: Path) -> None:
    next(folder.glob("*.key")).unlink()
    run("prepare")
    [path] = folder.glob("*.key")
    run("prepare")
    assert list(folder.glob("*.key")) == [path]


def test_prepare_makes_no_master_key_for_a_database_that_was_written_with_another(box: Box, folder: Path) -> None:
    next(folder.glob("*.key")).unlink()
    connection.check_constraints()  # a transaction's end would have; a table with rows to check cannot be altered
    with pytest.raises(CommandError, match="put it back"):
        run("prepare")
    assert list(folder.iterdir()) == []
