"""Master keys are read from a folder, one a file; the newest whose instant has come wraps."""

import datetime as dt
import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from mcp_saas.kit.crypto import KeyMissingError
from tenants.sealing.master import read_master_ring, write_master_key

START = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def test_a_new_key_opens_at_once_and_wraps_when_its_instant_comes(tmp_path: Path) -> None:
    write_master_key(tmp_path, wraps_from=START)
    write_master_key(tmp_path, wraps_from=START + MINUTE)
    ring = read_master_ring(tmp_path)
    old, new = ring.keys.values()
    assert [ring.wrapper_at(START + MINUTE * part).kid for part in (0, 0.99, 1, 60)] == [
        old.kid, old.kid, new.kid, new.kid,
    ]  # fmt: skip
    assert ring.find(new.kid) is new


def test_a_key_keeps_its_kid_under_another_name(tmp_path: Path) -> None:
    path = write_master_key(tmp_path, wraps_from=START)
    [kid] = read_master_ring(tmp_path).keys
    path.rename(path.with_name("20270101T000000000000.key"))
    assert list(read_master_ring(tmp_path).keys) == [kid]


def test_a_key_is_for_this_user_alone_and_leaves_no_draft(tmp_path: Path) -> None:
    path = write_master_key(tmp_path / "keys", wraps_from=START)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "ff" * 31, "ff" * 33, "no hex", "\N{SNOWMAN}"])
def test_a_file_that_is_no_key_is_named_without_its_content(tmp_path: Path, content: str) -> None:
    (tmp_path / "20261101T000000000000.key").write_text(content)
    with pytest.raises(ImproperlyConfigured, match="add_master_key") as refused:
        read_master_ring(tmp_path)
    assert content == "" or content not in str(refused.value)


def test_without_any_key_the_process_says_what_to_do(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(ImproperlyConfigured, match="add_master_key"):
            read_master_ring(folder)


def test_an_unknown_kid_is_told_with_what_to_do(tmp_path: Path) -> None:
    write_master_key(tmp_path, wraps_from=START)
    with pytest.raises(KeyMissingError, match="master key 0123456789abcdef is not in MASTER_KEYS_DIR"):
        read_master_ring(tmp_path).find("0123456789abcdef")
