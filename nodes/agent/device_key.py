"""The device key: an Ed25519 key made on the box that never leaves it. The one file that needs `cryptography`."""

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from nodes.agent.errors import HomeError
from nodes.agent.private_file import write_private_file

KEY_FILE = "device.key"


class DeviceKey:
    """Signs what the box says of itself."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key

    @property
    def jwk(self) -> dict[str, str]:
        """The public half as RFC 8037 writes it."""
        public = self._private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return {"crv": "Ed25519", "kty": "OKP", "x": encode_base64url(public)}

    @property
    def thumbprint(self) -> str:
        """RFC 7638: SHA-256 over the required members, sorted, without spaces."""
        return encode_base64url(hashlib.sha256(encode_json(self.jwk)).digest())

    def sign_jwt(self, claims: Mapping[str, object]) -> str:
        """A compact JWT (RFC 7519), EdDSA, with the thumbprint as `kid`."""
        header = {"alg": "EdDSA", "kid": self.thumbprint, "typ": "JWT"}
        signed = f"{encode_base64url(encode_json(header))}.{encode_base64url(encode_json(claims))}"
        return f"{signed}.{encode_base64url(self._private_key.sign(signed.encode()))}"


def ensure_device_key(home: Path) -> DeviceKey:
    """The home's key, made now if it has none. Raises HomeError (damaged file), OSError (cannot be written)."""
    path = home / KEY_FILE
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private_file(path, pem)
    return read_device_key(home)


def read_device_key(home: Path) -> DeviceKey:
    """Raises HomeError when there is no usable key."""
    path = home / KEY_FILE
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise HomeError(f"{path} cannot be read as a private key ({type(error).__name__})", permanent=True) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise HomeError(f"{path} is not an Ed25519 key", permanent=True)
    return DeviceKey(key)


def encode_base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def encode_json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
