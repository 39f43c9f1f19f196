"""The master keys, which wrap the keys of boxes and nothing else.

A master key is a file `<instant>.key` of MASTER_KEYS_DIR: 64 hexadecimal digits, used from that instant (UTC) on
(`mcp_saas.kit.key_folder`). Its kid is derived from it, so a file may be renamed and copied.
"""

import datetime as dt
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from mcp_saas.kit.crypto import KEY_BYTES, KeyMissingError, digest_keyed, make_key
from mcp_saas.kit.key_folder import KeyFolder, choose_key, list_key_files, read_instant, write_key_file

SUFFIX = ".key"
KID_BYTES = 8


@dataclass(frozen=True, slots=True)
class MasterKey:
    kid: str
    cipher: AESGCM
    wraps_from: dt.datetime
    path: Path


@dataclass(frozen=True, slots=True)
class MasterRing:
    """All master keys, by kid, in the order of their instants. Never empty."""

    keys: dict[str, MasterKey]

    @property
    def wrapper(self) -> MasterKey:
        return self.wrapper_at(dt.datetime.now(dt.UTC))

    def wrapper_at(self, now: dt.datetime) -> MasterKey:
        """The newest key whose instant has come; the oldest when none has."""
        return choose_key(list(self.keys.values()), now, used_from=lambda key: key.wraps_from)

    def find(self, kid: str) -> MasterKey:
        """Raises KeyMissingError."""
        if kid not in self.keys:
            raise KeyMissingError(f"master key {kid} is not in MASTER_KEYS_DIR: put its file back")
        return self.keys[kid]


def load_master_ring() -> MasterRing:
    """The ring this process uses now. Raises ImproperlyConfigured with what to do."""
    return _open_folder(settings.ENV.master_keys_dir).read_ring()


def read_master_ring(folder: Path) -> MasterRing:
    """Every `*.key` of the folder. Raises ImproperlyConfigured with what to do."""
    keys = [_read_key(path) for path in list_key_files(folder, SUFFIX)]
    if not keys:
        raise ImproperlyConfigured(
            f"no master key in {folder} (MASTER_KEYS_DIR): make one with `manage.py add_master_key`, "
            "or put the files back that this database was written with"
        )
    return MasterRing({key.kid: key for key in sorted(keys, key=lambda key: key.wraps_from)})


def write_master_key(folder: Path, *, wraps_from: dt.datetime) -> Path:
    """A new key, readable by this user alone. What it wraps is lost with it: keep a copy."""
    return write_key_file(folder, f"{make_key().hex()}\n".encode(), suffix=SUFFIX, used_from=wraps_from)


@cache
def _open_folder(folder: Path) -> KeyFolder[MasterRing]:
    return KeyFolder(folder, read=read_master_ring, faults=(ImproperlyConfigured,))


def _read_key(path: Path) -> MasterKey:
    try:
        wraps_from, secret = read_instant(path), bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise ImproperlyConfigured(
            f"{path} is not a master key (64 hexadecimal digits) named by the instant it wraps from: "
            "make one with `manage.py add_master_key`"
        )
    kid = digest_keyed(secret, b"dazbox master kid")[:KID_BYTES].hex()
    return MasterKey(kid, AESGCM(secret), wraps_from, path)
