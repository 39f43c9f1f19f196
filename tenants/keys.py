"""The keys that sign our tokens (ES256) and the keys boxes sign with (Ed25519).

A token key is a file `<instant>.pem`: the instant (UTC) from which it signs (`mcp_saas.kit.key_folder`).
"""

import base64
import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.exceptions import ImproperlyConfigured

from mcp_saas.kit import key_folder
from mcp_saas.kit.key_folder import KeyFolder, choose_key, list_key_files, read_instant, write_key_file

REREAD_S = key_folder.REREAD_S
SIGNS_AFTER = key_folder.PUBLISHED_FOR  # from when on a new key signs
SUFFIX = ".pem"


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
        return choose_key(list(self.keys.values()), now, used_from=lambda key: key.signs_from)


def load_key_ring(folder: Path) -> KeyRing:
    """The ring this process uses now. Raises ImproperlyConfigured with what to do."""
    return _open_folder(folder).read_ring()


def read_key_ring(folder: Path) -> KeyRing:
    """Every `*.pem` of the folder. Raises ImproperlyConfigured with what to do."""
    paths = list_key_files(folder, SUFFIX)
    if not paths:
        raise ImproperlyConfigured(f"no token key in {folder} (JWT_KEYS_DIR): make one with `manage.py add_jwt_key`")
    keys = [_read_key(path) for path in paths]
    return KeyRing({key.kid: key for key in sorted(keys, key=lambda key: key.signs_from)})


def write_signing_key(folder: Path, *, signs_from: dt.datetime) -> Path:
    """A new ES256 key, readable by this user alone."""
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return write_key_file(folder, pem, suffix=SUFFIX, used_from=signs_from)


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
def _open_folder(folder: Path) -> KeyFolder[KeyRing]:
    return KeyFolder(folder, read=read_key_ring, faults=(ImproperlyConfigured,), reread_s=REREAD_S)


def _read_key(path: Path) -> SigningKey:
    try:
        signs_from = read_instant(path)
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
