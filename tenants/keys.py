"""The keys that sign our tokens (ES256) and the keys boxes sign with (Ed25519)."""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class SigningKey:
    kid: str
    private: ec.EllipticCurvePrivateKey
    jwk: dict[str, str]


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All keys we accept, by kid; `signer` is the one new tokens are signed with."""

    keys: dict[str, SigningKey]
    signer: SigningKey


@lru_cache(maxsize=4)
def load_key_ring(folder: Path) -> KeyRing:
    """Every `*.pem` of the folder; the last by name signs. Raises ImproperlyConfigured with what to do."""
    paths = sorted(folder.glob("*.pem")) if folder.is_dir() else []
    if not paths:
        raise ImproperlyConfigured(f"no token key in {folder} (JWT_KEYS_DIR): make one with `manage.py add_jwt_key`")
    keys = [_read_key(path) for path in paths]
    return KeyRing({key.kid: key for key in keys}, keys[-1])


def write_signing_key(path: Path) -> None:
    """A new ES256 key, readable by this user alone."""
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(pem)


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


def _read_key(path: Path) -> SigningKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ImproperlyConfigured(f"{path} is not an ES256 (P-256) key: make one with `manage.py add_jwt_key`")
    numbers = key.public_key().public_numbers()
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": encode_base64url(numbers.x.to_bytes(32)),
        "y": encode_base64url(numbers.y.to_bytes(32)),
    }
    kid = thumbprint(jwk)
    return SigningKey(kid, key, jwk | {"kid": kid, "use": "sig", "alg": "ES256"})
