"""One HTTP request to a server, and what its answer is: JSON, a stream, or no. Errors of the network in our words."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import httpx

from bridge.engine.server import Http
from bridge.sources.connection import AnswerTooLarge, ConnectionLost, CredentialsRefused, UpstreamError
from bridge.sources.http.discovery import origin_of, read_challenge
from bridge.sources.http.guard import make_client
from bridge.sources.http.sse import Event, Events, TooLongError
from bridge.sources.http.token import Challenge, Tokens
from mcp_saas.kit.http import UnsafeTargetError, read_url

BOTH = "application/json, text/event-stream"
STREAM = "text/event-stream"


class ServerAway(ConnectionLost):
    """Nobody listens at its address."""


class Exchange:
    """The server's URL, its credentials and its limit. `bearer`: of the tenant whose own connection it is."""

    def __init__(
        self, how: Http, *, bearer: str | None, max_answer_bytes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises ConnectionLost for a URL that is none."""
        try:
            self._url = read_url(how.url)
            self._client = make_client(trusted_urls(how))
        except UnsafeTargetError as error:
            raise ConnectionLost(str(error)) from error
        self._max_answer_bytes = max_answer_bytes
        self._headers = {"Accept-Encoding": "identity"} | how.headers
        if token := bearer or how.bearer:
            self._headers["Authorization"] = f"Bearer {token}"
        self._tokens: Tokens | None = None
        if how.oauth is not None and not token:
            self._tokens = Tokens(self._client, how.oauth, url=how.url, clock=clock)

    @asynccontextmanager
    async def open(
        self, method: str, *, headers: Mapping[str, str], content: bytes | None = None
    ) -> AsyncIterator[httpx.Response]:
        """The response, its body not read. A token that is not taken is replaced once. Leaving ends the stream.

        Raises ConnectionLost when there is no answer, CredentialsRefused.
        """
        try:
            response, token = await self._send(method, headers=headers, content=content)
            if response.status_code == 401 and self._tokens is not None:
                await response.aclose()
                challenge = find_challenge(response)
                await self._tokens.find(challenge, refused=token)
                response, _ = await self._send(method, headers=headers, content=content)
        except httpx.ConnectError as error:
            raise ServerAway(f"the server cannot be reached: {error}") from error
        except (httpx.HTTPError, UnsafeTargetError) as error:
            raise ConnectionLost(f"the server cannot be reached: {error or type(error).__name__}") from error
        try:
            if response.status_code in {401, 403}:
                raise CredentialsRefused(f"the server refuses our credentials (HTTP {response.status_code})")
            yield response
        finally:
            await response.aclose()

    async def read(self, response: httpx.Response) -> bytes:
        """The whole body. Raises AnswerTooLarge, ConnectionLost when it breaks off."""
        parts, size = [], 0
        async for chunk in self._read_chunks(response):
            parts.append(chunk)
            size += len(chunk)
            if size > self._max_answer_bytes:
                raise AnswerTooLarge(f"the answer is longer than {self._max_answer_bytes} bytes")
        return b"".join(parts)

    async def read_events(self, response: httpx.Response) -> AsyncIterator[Event]:
        """Until the stream ends. Raises AnswerTooLarge, ConnectionLost when it breaks off."""
        events = Events(self._max_answer_bytes)
        async for chunk in self._read_chunks(response):
            try:
                found = events.feed(chunk)
            except TooLongError:
                raise AnswerTooLarge(f"an event is longer than {self._max_answer_bytes} bytes") from None
            for event in found:
                yield event

    async def close(self) -> None:
        await self._client.aclose()

    async def _read_chunks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise UpstreamError("the server compresses its answer, which was not asked for")
        try:
            async for chunk in response.aiter_raw():
                yield chunk
        except httpx.HTTPError as error:
            raise ConnectionLost(f"the answer broke off: {error or type(error).__name__}") from error

    async def _send(
        self, method: str, *, headers: Mapping[str, str], content: bytes | None
    ) -> tuple[httpx.Response, str | None]:
        sent = {**self._headers, **headers}
        token = None
        if self._tokens is not None:
            token = await self._tokens.find()
            sent["Authorization"] = f"Bearer {token}"
        request = self._client.build_request(method, self._url, headers=sent, content=content)
        return await self._client.send(request, stream=True), token


def trusted_urls(how: Http) -> list[str]:
    """Addresses the operator wrote down, where he trusts the server; none the server names."""
    if not how.is_trusted:
        return []
    return [how.url, *([how.oauth.token_url] if how.oauth is not None and how.oauth.token_url else [])]


def find_challenge(response: httpx.Response) -> Challenge:
    """Metadata of another origin than the server's own is not looked at."""
    said = read_challenge(response.headers.get("www-authenticate", ""))
    metadata_url = said.get("resource_metadata")
    if metadata_url is not None and origin_of(metadata_url) != origin_of(str(response.url)):
        metadata_url = None
    return Challenge(metadata_url, said.get("scope"))


def is_stream(response: httpx.Response) -> bool:
    return str(response.headers.get("content-type", "")).lower().startswith(STREAM)
