"""Token keys by command: publish, list, retire."""

import datetime as dt
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tenants.keys import load_key_ring, read_key_ring, write_signing_key
from tenants.tokens.access import find_retirement

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.ENV = settings.ENV.model_copy(update={"jwt_keys_dir": tmp_path / "jwt"})
    return tmp_path / "jwt"


def add_key(folder: Path, *, age: dt.timedelta) -> str:
    """The kid of a key that signs since `age`."""
    path = write_signing_key(folder, signs_from=dt.datetime.now(dt.UTC) - age)
    return next(kid for kid, key in read_key_ring(folder).keys.items() if key.path == path)


def file_of(folder: Path, kid: str) -> str:
    return read_key_ring(folder).keys[kid].path.name


def run(*command: str, **options: Any) -> str:
    out = io.StringIO()
    call_command(*command, stdout=out, **options)
    return out.getvalue()


def test_an_added_key_signs_a_minute_later(folder: Path) -> None:
    old = add_key(folder, age=HOUR)
    assert "signs from" in run("add_jwt_key")
    ring, now = read_key_ring(folder), dt.datetime.now(dt.UTC)
    assert len(ring.keys) == 2
    assert ring.signer_at(now).kid == old
    assert ring.signer_at(now + dt.timedelta(seconds=61)).kid != old


def test_the_list_says_what_each_key_is_good_for(folder: Path) -> None:
    kids = [add_key(folder, age=age) for age in (3 * HOUR, HOUR, -HOUR)]
    lines = run("list_jwt_keys").splitlines()
    assert [line.split()[0] for line in lines] == kids
    assert ["may be retired" in lines[0], lines[1].endswith("  signs"), "verifies, signs from" in lines[2]] == [
        True
    ] * 3


def test_a_key_is_retired_when_its_last_token_has_expired(folder: Path) -> None:
    old, new = add_key(folder, age=3 * HOUR), add_key(folder, age=HOUR)
    assert old in run("retire_jwt_key", file_of(folder, old))
    assert list(read_key_ring(folder).keys) == [new]


@pytest.mark.parametrize("age", [dt.timedelta(minutes=15), -HOUR])
def test_a_key_with_live_tokens_stays_unless_it_is_compromised(folder: Path, age: dt.timedelta) -> None:
    """15 minutes of life, 30 s of leeway, and the seconds until all have noticed."""
    old, new = add_key(folder, age=3 * HOUR), add_key(folder, age=age)
    with pytest.raises(CommandError, match="alive"):
        run("retire_jwt_key", file_of(folder, old))
    with pytest.raises(CommandError, match="alive"):
        run("retire_jwt_key", file_of(folder, new))
    run("retire_jwt_key", file_of(folder, old), compromised=True)
    assert list(read_key_ring(folder).keys) == [new]


def test_the_only_key_and_an_unknown_key_are_not_retired(folder: Path) -> None:
    only = add_key(folder, age=HOUR)
    with pytest.raises(CommandError, match="only key"):
        run("retire_jwt_key", file_of(folder, only), compromised=True)
    with pytest.raises(CommandError, match="no such key"):
        run("retire_jwt_key", "unknown")
    assert load_key_ring(folder).signer.kid == only


def test_the_last_token_of_a_key_ends_with_its_successors_first_quarter(folder: Path) -> None:
    add_key(folder, age=HOUR)
    add_key(folder, age=-HOUR)
    ring = read_key_ring(folder)
    old, new = ring.keys.values()
    assert find_retirement(ring, old) == new.signs_from + dt.timedelta(minutes=15, seconds=34)
    assert find_retirement(ring, new) is None
