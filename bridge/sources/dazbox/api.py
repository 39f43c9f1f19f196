"""Our own API, asked with the token of whoever calls a tool: the web decides what that may see and do."""

import hashlib
from typing import Any, Final, TypeVar

import httpx
import msgspec

from bridge.sources.dazbox.answer import Fault, OwnNode
from mcp_saas.kit.ttl_cache import TtlCache

MAX_ANSWER_BYTES: Final = 16 << 20
_PUBKEY_KEPT_S: Final = 300.0  # a token belongs to one node for all its life, and lives 15 minutes
_MAX_TOKENS: Final = 10_000
T = TypeVar("T")


class ApiFault(Exception):  # noqa: N818 - the API's own word for it
    """The API refused, or did not answer: what it said is the caller's to read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.detail)
        self.fault = fault


class Api:
    """One for a gateway process: connections to the web are shared, tokens are not kept."""

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=url, trust_env=False, follow_redirects=False, limits=httpx.Limits(max_connections=64)
        )
        self._pubkeys: TtlCache[bytes, str] = TtlCache(max_entries=_MAX_TOKENS, ttl_s=_PUBKEY_KEPT_S)

    def bind(self, token: str, *, timeout_s: float) -> "BoundApi":
        return BoundApi(self, token, timeout_s=timeout_s)

    async def find_pubkey(self, bound: "BoundApi") -> str:
        digest = hashlib.sha256(bound.token.encode()).digest()
        known = self._pubkeys.find(digest)
        if known is None:
            known = (await bound.ask("GET", "/api/v1/node", shape=OwnNode)).pubkey
            self._pubkeys.keep(digest, known)
        return known

    async def send(self, request: httpx.Request) -> tuple[int, bytes]:
        """Status and body. Raises ApiFault where there is no answer, or one beyond 16 MB."""
        try:
            answer = await self._client.send(request, stream=True)
            try:
                body = bytearray()
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > MAX_ANSWER_BYTES:
                        raise ApiFault(Fault(title="Too much", status=502, detail="The answer is longer than 16 MB."))
            finally:
                await answer.aclose()
        except httpx.TimeoutException:
            raise ApiFault(Fault(title="Too slow", status=504, detail="The cloud did not answer in time.")) from None
        except httpx.HTTPError:
            detail = "The cloud cannot be reached: try again in a moment."
            raise ApiFault(Fault(title="Not reached", status=502, detail=detail)) from None
        return answer.status_code, bytes(body)

    def build(self, *arguments: Any, **more: Any) -> httpx.Request:
        return self._client.build_request(*arguments, **more)

    async def close(self) -> None:
        await self._client.aclose()


class BoundApi:
    """The API as one caller sees it."""

    def __init__(self, api: Api, token: str, *, timeout_s: float) -> None:
        self._api, self.token, self._timeout_s = api, token, timeout_s

    async def ask_own(self, method: str, path: str, *, shape: type[T], **more: Any) -> T:
        """Below the address of the node the token belongs to. Raises ApiFault."""
        pubkey = await self._api.find_pubkey(self)
        return await self.ask(method, f"/api/v1/node/{pubkey}/{path}", shape=shape, **more)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        shape: type[T],
        query: dict[str, str] | None = None,
        body: object = None,
        language: str | None = None,
    ) -> T:
        """Raises ApiFault with what the API says, in its words."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json, application/problem+json"}
        headers |= {"Accept-Language": language} if language else {}
        content = None if body is None else msgspec.json.encode(body)
        headers |= {"Content-Type": "application/json"} if content is not None else {}
        request = self._api.build(
            method, path, params=query or None, content=content, headers=headers, timeout=self._timeout_s
        )
        status, answer = await self._api.send(request)
        return _read(status, answer, shape=shape)


def _read(status: int, answer: bytes, *, shape: type[T]) -> T:
    try:
        if 200 <= status < 300:
            return msgspec.json.decode(answer, type=shape)
        raise ApiFault(msgspec.json.decode(answer, type=Fault))
    except msgspec.MsgspecError:
        detail = f"The cloud's answer (status {status}) is not what this tool reads."
        raise ApiFault(Fault(title="Not understood", status=502, detail=detail)) from None
