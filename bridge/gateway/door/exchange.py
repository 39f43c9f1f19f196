"""API keys at the door: the issuer exchanges one for a token of a minute, which is verified as any other."""

import asyncio
import re
import zlib
from typing import Final

import httpx
import msgspec
from msgspec import Struct

from bridge.gateway.door.challenge import keys_missing
from bridge.gateway.door.token import TokenError

START: Final = b"dz_live_"
PATH: Final = "/api/v1/auth/api-key-token"
TIMEOUT_S: Final = 5.0
AT_ONCE: Final = 16  # a flood of made-up keys must not become one of requests
MAX_BYTES: Final = 16 * 1024
_FORM: Final = re.compile(r"dz_live_[0-9a-f]{8}_[A-Za-z0-9_-]{43}[0-9a-f]{8}")


class _Given(Struct, frozen=True):
    access: str


class KeyExchange:
    """`url`: of the issuer's API. Who asks for the same key at once shares one request."""

    def __init__(self, url: str, *, client: httpx.AsyncClient) -> None:
        self._url, self._client = url.rstrip("/") + PATH, client
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._asked: dict[str, asyncio.Future[str]] = {}

    async def exchange(self, key: str) -> str:
        """An access token. Raises TokenError for a key that is none or has ended, Refusal 503 without an answer."""
        if not _FORM.fullmatch(key) or f"{zlib.crc32(key[:-8].encode()):08x}" != key[-8:]:
            raise TokenError("it is mistyped: an API key ends in its check sum")
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = asyncio.ensure_future(self._ask(key))
            asked.add_done_callback(lambda _: self._asked.pop(key, None))
        return await asyncio.shield(asked)

    async def _ask(self, key: str) -> str:
        try:
            async with self._turns:
                headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"}
                answer = await self._client.post(self._url, headers=headers, timeout=TIMEOUT_S)
        except httpx.HTTPError:
            raise keys_missing() from None
        if answer.status_code in {401, 403, 410}:
            raise TokenError("the API key is not good, or has ended: make another")
        if answer.status_code != 200 or len(answer.content) > MAX_BYTES:
            raise keys_missing()
        try:
            return msgspec.json.decode(answer.content, type=_Given).access
        except msgspec.MsgspecError:
            raise keys_missing() from None
