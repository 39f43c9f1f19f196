"""The keys that sign our tokens (ES256) and the keys boxes sign with (Ed25519).

A token key is a file `<instant>.pem`: the instant (UTC) from which it signs. It is put there some time before, so that
every process has read it before the first token of it goes round: publish first, sign later.
"""

import base64
import datetime as dt
import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.exceptions import ImproperlyConfigured

log = structlog.get_logger(__name__)
REREAD_S = 5.0  # how often a process looks whether the keys changed
SIGNS_AFTER = dt.timedelta(seconds=60)  # from when on a new key signs: many times REREAD_S, clocks may differ
FILE_NAME = "%Y%m%dT%H%M%S%f"


@dataclass(frozen=True, slots=True)
class SigningKey:
    kid: str
    private: ec.EllipticCurvePrivateKey
    jwk: dict[str, str]
    signs_from: dt.datetime
    path: Path


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All keys we accept, by kid, in the order of their instants. Never empty."""

    keys: dict[str, SigningKey]

    @property
    def signer(self) -> SigningKey:
        return self.signer_at(dt.datetime.now(dt.UTC))

    def signer_at(self, now: dt.datetime) -> SigningKey:
        """The newest key whose instant has come; the oldest when none has."""
        keys = list(self.keys.values())
        return next((key for key in reversed(keys) if key.signs_from <= now), keys[0])


class KeyFolder:
    """The key ring of a folder as it is now, at most `reread_s` seconds late. Safe among threads."""

    def __init__(self, folder: Path, *, reread_s: float | None = None, clock: Callable[[], float] = time.monotonic):
        self._folder, self._reread_s, self._clock = folder, REREAD_S if reread_s is None else reread_s, clock
        self._lock = threading.Lock()
        self._ring: KeyRing | None = None
        self._stamp: object = None
        self._look_at = 0.0

    def read_ring(self) -> KeyRing:
        """Raises ImproperlyConfigured at the first look; later a folder gone bad is logged, and the last ring stays."""
        ring = self._ring
        if ring is not None and (self._clock() < self._look_at or self._lock.locked()):
            return ring  # fresh enough, or somebody is looking already
        with self._lock:
            return self._look()

    def _look(self) -> KeyRing:
        self._look_at = self._clock() + self._reread_s
        try:
            stamp = _stamp_of(self._folder)
            if self._ring is None or stamp != self._stamp:
                self._ring, self._stamp = read_key_ring(self._folder), stamp
        except (OSError, ImproperlyConfigured) as error:
            if self._ring is None:
                raise
            log.warning("jwt_keys_unreadable", error=str(error))
        return self._ring


def load_key_ring(folder: Path) -> KeyRing:
    """The ring this process uses now. Raises ImproperlyConfigured with what to do."""
    return _open_folder(folder).read_ring()


def read_key_ring(folder: Path) -> KeyRing:
    """Every `*.pem` of the folder. Raises ImproperlyConfigured with what to do."""
    paths = sorted(folder.glob("*.pem")) if folder.is_dir() else []
    if not paths:
        raise ImproperlyConfigured(f"no token key in {folder} (JWT_KEYS_DIR): make one with `manage.py add_jwt_key`")
    keys = [_read_key(path) for path in paths]
    return KeyRing({key.kid: key for key in sorted(keys, key=lambda key: key.signs_from)})


def write_signing_key(folder: Path, *, signs_from: dt.datetime) -> Path:
    """A new ES256 key, readable by this user alone. It appears whole, so that nobody reads half of it."""
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{signs_from.astimezone(dt.UTC):{FILE_NAME}}.pem"
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600, exist_ok=False)
    draft.write_bytes(pem)
    return draft.replace(path)


def thumbprint(jwk: dict[str, str]) -> str:
    """RFC 7638: SHA-256 of the required members, sorted, base64url."""
    required = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}[jwk["kty"]]
    canonical = json.dumps({name: jwk[name] for name in required}, separators=(",", ":"), sort_keys=True)
    return encode_base64url(hashlib.sha256(canonical.encode()).digest())


def read_device_key(x: str) -> Ed25519PublicKey:
    """The `x` of an Ed25519 JWK (base64url, 32 bytes). Raises ValueError."""
    raw = base64.urlsafe_b64decode(x + "=" * (-len(x) % 4))
    return Ed25519PublicKey.from_public_bytes(raw)


def encode_base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@cache
def _open_folder(folder: Path) -> KeyFolder:
    return KeyFolder(folder)


def _stamp_of(folder: Path) -> frozenset[tuple[str, int, int]]:
    """Differs when a key was added, removed or replaced."""
    found = ((path.name, path.stat()) for path in folder.glob("*.pem"))
    return frozenset((name, status.st_mtime_ns, status.st_ino) for name, status in found)


def _read_key(path: Path) -> SigningKey:
    try:
        signs_from = dt.datetime.strptime(path.stem, FILE_NAME).replace(tzinfo=dt.UTC)
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except ValueError:
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ImproperlyConfigured(
            f"{path} is not an ES256 (P-256) key named by the instant it signs from: "
            "make one with `manage.py add_jwt_key`"
        )
    numbers = key.public_key().public_numbers()
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": encode_base64url(numbers.x.to_bytes(32)),
        "y": encode_base64url(numbers.y.to_bytes(32)),
    }
    kid = thumbprint(jwk)
    return SigningKey(kid, key, jwk | {"kid": kid, "use": "sig", "alg": "ES256"}, signs_from, path)
