"""API keys at the door: the issuer exchanges one for a token of a minute, which is verified as any other."""

import asyncio
import hashlib
import re
import zlib
from typing import Final

import httpx
import msgspec
from msgspec import Struct

from bridge.gateway.door.challenge import keys_missing
from bridge.gateway.door.token import TokenError
from bridge.gateway.door.turns import Turns
from mcp_saas.kit.ttl_cache import TtlCache

START: Final = b"dz_live_"
PATH: Final = "/api/v1/auth/api-key-token"
TIMEOUT_S: Final = 5.0
MAX_KEPT: Final = 10_000
GOOD_S, REFUSED_S = 86_400.0, 30.0
NOT_GOOD: Final = "the API key is not good, or has ended: make another"
MAX_BYTES: Final = 16 * 1024
_FORM: Final = re.compile(r"dz_live_[0-9a-f]{8}_[A-Za-z0-9_-]{43}[0-9a-f]{8}")


class _Given(Struct, frozen=True):
    access: str


class KeyExchange:
    """`url`: of the issuer's API. Who asks for the same key at once shares one request; a key that was refused is not
    asked for again for a while.
    """

    def __init__(self, url: str, *, client: httpx.AsyncClient) -> None:
        self._url, self._client = url.rstrip("/") + PATH, client
        self._turns = Turns()
        self._asked: dict[str, asyncio.Future[str]] = {}
        self._good: TtlCache[bytes, bool] = TtlCache(max_entries=MAX_KEPT, ttl_s=GOOD_S)  # by hash
        self._refused: TtlCache[bytes, bool] = TtlCache(max_entries=MAX_KEPT, ttl_s=REFUSED_S)

    async def exchange(self, key: str, *, address: str) -> str:
        """An access token. `address`: whose it is, where nobody knows the key. Raises TokenError for a key that is none
        or has ended, Refusal: 503 without an answer, 429 where too many wait.
        """
        if not _FORM.fullmatch(key) or f"{zlib.crc32(key[:-8].encode()):08x}" != key[-8:]:
            raise TokenError("it is mistyped: an API key ends in its check sum")
        asked = self._asked.get(key)
        if asked is None:
            digest = hashlib.sha256(key.encode()).digest()
            if self._refused.find(digest):
                raise TokenError(NOT_GOOD)
            asked = self._asked[key] = asyncio.ensure_future(self._ask(key, digest, address=address))
            asked.add_done_callback(lambda _: self._asked.pop(key, None))
        return await asyncio.shield(asked)

    async def _ask(self, key: str, digest: bytes, *, address: str) -> str:
        try:
            async with self._turns.take(address, is_known=self._good.find(digest) is not None):
                headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"}
                answer = await self._client.post(self._url, headers=headers, timeout=TIMEOUT_S)
        except httpx.HTTPError:
            raise keys_missing() from None
        if answer.status_code in {401, 403, 410}:
            self._good.forget(digest)
            self._refused.keep(digest, value=True)
            raise TokenError(NOT_GOOD)
        if answer.status_code != 200 or len(answer.content) > MAX_BYTES:
            raise keys_missing()
        try:
            given = msgspec.json.decode(answer.content, type=_Given).access
        except msgspec.MsgspecError:
            raise keys_missing() from None
        self._good.keep(digest, value=True)
        return given
