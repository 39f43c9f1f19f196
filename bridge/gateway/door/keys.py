"""The public keys our tokens verify with: read from the issuer's JWKS, kept, and read again before they get old."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import jwt
import msgspec
import structlog

log = structlog.get_logger(__name__)
ALGORITHM = "ES256"
REREAD_S = 240.0  # the issuer lets them be kept for 300
RETRY_S = 5.0  # while the issuer does not answer; what was read stays in force
ASKED_AGAIN_S = 10.0  # at most so often for a kid we do not know, whoever makes kids up
TIMEOUT_S = 5.0
MAX_BYTES = 64 * 1024


class KeySet:
    """ES256 keys by kid. `version` grows when a key comes or goes; `read_at_s`: None until they were read."""

    def __init__(self, url: str, *, client: httpx.AsyncClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._client, self._clock = url, client, clock
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._turn = asyncio.Lock()
        self._asked_at_s: float | None = None
        self.version = 0
        self.read_at_s: float | None = None

    def find(self, kid: str) -> jwt.PyJWK | None:
        return self._keys.get(kid)

    async def seek(self, kid: str) -> jwt.PyJWK | None:
        """A key we have, or may have after asking once more: a new one signs a while after it is published."""
        async with self._turn:
            now_s = self._clock()
            is_due = self._asked_at_s is None or now_s >= self._asked_at_s + ASKED_AGAIN_S
            if kid not in self._keys and is_due:
                self._asked_at_s = now_s
                await self.read()
        return self._keys.get(kid)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            async with self._turn:
                is_read = await self.read()
            await asyncio.sleep(REREAD_S if is_read else RETRY_S)

    async def read(self) -> bool:
        """Whether the issuer answered with keys; else those we have stay."""
        try:
            keys = read_keys(await self._fetch())
        except (httpx.HTTPError, ValueError, jwt.PyJWTError) as error:
            log.warning("jwks_unreadable", error=f"{type(error).__name__}: {error}", url=self._url)
            return False
        if list_numbers(keys) != list_numbers(self._keys):
            self._keys = keys
            self.version += 1
        self.read_at_s = self._clock()
        return True

    async def _fetch(self) -> bytes:
        headers = {"Accept-Encoding": "identity"}
        async with self._client.stream("GET", self._url, headers=headers, timeout=TIMEOUT_S) as answer:
            answer.raise_for_status()
            body = bytearray()
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise ValueError(f"longer than {MAX_BYTES} bytes")
        return bytes(body)


def read_keys(body: bytes) -> dict[str, jwt.PyJWK]:
    """The keys of a JWKS that may verify our tokens: ES256, named, for signatures. Raises ValueError without any."""
    document: Any = msgspec.json.decode(body)
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no JWKS")  # noqa: TRY004 - it came from outside
    keys = {key["kid"]: jwt.PyJWK(key, algorithm=ALGORITHM) for key in listed if is_ours(key)}
    if not keys:
        raise ValueError("no ES256 key with a kid")
    return keys


def list_numbers(keys: Mapping[str, jwt.PyJWK]) -> dict[str, object]:
    """By kid, what makes a key that key."""
    return {kid: key.key.public_numbers() for kid, key in keys.items()}


def is_ours(key: object) -> bool:
    """Whether it is a public P-256 key for signatures, with a kid."""
    return (
        isinstance(key, dict)
        and key.get("kty") == "EC"
        and key.get("crv") == "P-256"
        and key.get("alg", ALGORITHM) == ALGORITHM
        and key.get("use", "sig") == "sig"
        and isinstance(key.get("kid"), str)
        and "d" not in key
    )
