"""An issuer of tokens, with its JWKS behind a socket."""

import asyncio
import base64
import json
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

ISSUER, AUDIENCE = "https://issuer.test", "audience-test"
TENANT = UUID(int=77)


class Issuer:
    """`asked`: how often its keys were read; `exchanged`: its API keys; `is_down`: it answers 503. `thinking`: until it
    is set, keys that are none wait for their answer.
    """

    def __init__(self) -> None:
        self.keys = {"first": ec.generate_private_key(ec.SECP256R1())}
        self.asked, self.is_down = 0, False
        self.api_keys: dict[str, dict[str, Any]] = {}  # what a token for it says
        self.exchanged = 0
        self.url = ""
        self.thinking: asyncio.Event | None = None

    def jwks(self) -> dict[str, Any]:
        return {"keys": [describe(kid, key) for kid, key in self.keys.items()]}

    def sign(self, *, kid: str = "first", key: Any = None, alg: str = "ES256", **changes: Any) -> str:
        now = time.time()
        claims = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": "box:1", "tenant_id": str(TENANT), "tv": 0, "scope": "read act",
            "jti": "session-1", "typ": "access", "iat": now, "exp": now + 900,
        } | changes  # fmt: skip
        claims = {name: value for name, value in claims.items() if value != "left out"}
        return jwt.encode(claims, key or self.keys[kid], alg, headers={"kid": kid})

    def _show_keys(self) -> tuple[bytes, Any]:
        self.asked += 1
        return b"200 OK", self.jwks()

    def _exchange(self, head: bytes) -> tuple[bytes, Any]:
        self.exchanged += 1
        key = head.partition(b"Bearer ")[2].split(b"\r\n")[0].decode()
        if key not in self.api_keys:
            return b"401 Unauthorized", {"title": "Sign in again"}
        return b"200 OK", {"access": self.sign(**self.api_keys[key]), "expires_in": 60}

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        status, told = self._exchange(head) if head.startswith(b"POST") else self._show_keys()
        status, body = (b"503 Away" if self.is_down else status), json.dumps(told).encode()
        if status.startswith(b"401") and self.thinking is not None:
            await self.thinking.wait()
        writer.write(b"HTTP/1.1 %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (status, len(body), body))
        await writer.drain()
        writer.close()


def make_key(number: int = 0) -> str:
    """An API key in the form of ours."""
    stem = f"dz_live_{number:08x}_" + "k" * 43
    return f"{stem}{zlib.crc32(stem.encode()):08x}"


def describe(kid: str, key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    x, y = (base64.urlsafe_b64encode(number.to_bytes(32)).rstrip(b"=").decode() for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "sig", "alg": "ES256"}


@asynccontextmanager
async def serve() -> AsyncIterator[Issuer]:
    issuer = Issuer()
    server = await asyncio.start_server(issuer.answer, "127.0.0.1", 0)
    issuer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/.well-known/jwks.json"
    try:
        yield issuer
    finally:
        server.close()
        await server.wait_closed()
