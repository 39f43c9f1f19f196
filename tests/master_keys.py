"""A folder of master keys of a test's own, looked at every time instead of every five seconds."""

import datetime as dt
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from mcp_saas.kit.key_folder import KeyFolder
from tenants.sealing import master
from tenants.sealing.master import read_master_ring, write_master_key

HOUR = dt.timedelta(hours=1)


def use_master_keys(folder: Path, settings: Any, *, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With one key, an hour old."""
    settings.ENV = settings.ENV.model_copy(update={"master_keys_dir": folder})
    reread = cache(lambda path: KeyFolder(path, read=read_master_ring, faults=(), reread_s=0))
    monkeypatch.setattr(master, "_open_folder", reread)
    add_master_key(folder, age=HOUR)
    return folder


def add_master_key(folder: Path, *, age: dt.timedelta) -> str:
    """The kid of a key that wraps since `age`."""
    path = write_master_key(folder, wraps_from=timezone.now() - age)
    return next(kid for kid, key in read_master_ring(folder).keys.items() if key.path == path)
