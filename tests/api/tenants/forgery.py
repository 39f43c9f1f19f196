"""JWTs as an attacker would make them: any header, any claims, any signature."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from tenants.keys import SigningKey, load_key_ring

Sign = Callable[[bytes], bytes]


def our_key() -> SigningKey:
    return load_key_ring(settings.ENV.jwt_keys_dir).signer


def our_public_pem() -> bytes:
    return our_key().private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def read_token(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(header, claims), unverified."""
    return jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})


def seal(header: dict[str, Any], claims: dict[str, Any], sign: Sign) -> str:
    message = f"{encode_part(header)}.{encode_part(claims)}".encode()
    return f"{message.decode()}.{encode(sign(message))}"


def by_ec(key: ec.EllipticCurvePrivateKey, algorithm: str = "ES256") -> Sign:
    return lambda message: jwt.get_algorithm_by_name(algorithm).sign(message, key)


def by_hmac(secret: bytes) -> Sign:
    return lambda message: hmac.digest(secret, message, hashlib.sha256)


def unsigned(message: bytes) -> bytes:
    return b""


def encode_part(value: dict[str, Any]) -> str:
    return encode(json.dumps(value).encode())


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
