"""One HTTP request to a server, and what its answer is: JSON, a stream, or no. Errors of the network in our words."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urljoin

from bridge.engine.server import Http
from bridge.sources.connection import AnswerTooLarge, ConnectionLost, CredentialsRefused, UpstreamError
from bridge.sources.http.client import Client, set_defaults
from bridge.sources.http.discovery import origin_of, read_challenge
from bridge.sources.http.sse import Event, Events, TooLongError
from bridge.sources.http.token import Challenge, Tokens
from bridge.sources.http.wire import HttpFailure, NotReached, Response
from mcp_saas.kit.http import UnsafeTargetError

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
            self._client = Client(trusted_urls(how))
            self._target = self._mailbox = self._client.aim(how.url)
            self._headers = set_defaults(how.headers)
        except (HttpFailure, UnsafeTargetError) as error:
            raise ConnectionLost(str(error)) from error
        self._max_answer_bytes = max_answer_bytes
        if token := bearer or how.bearer:
            self._headers["Authorization"] = f"Bearer {token}"
        self._tokens: Tokens | None = None
        if how.oauth is not None and not token:
            self._tokens = Tokens(self._client, how.oauth, url=how.url, clock=clock)

    def send_to(self, place: str) -> None:
        """Where messages are posted from now on, as the server says: within its own origin. Raises ConnectionLost."""
        try:
            mailbox = self._client.aim(urljoin(self._target.url, place))
        except (ValueError, UnsafeTargetError) as error:
            raise ConnectionLost(f"the server names a place for messages that is none: {error}") from error
        if mailbox.place != self._target.place:
            raise ConnectionLost("the server names a place for messages that is not its own")
        self._mailbox = mailbox

    @asynccontextmanager
    async def open(
        self, method: str, *, headers: Mapping[str, str], content: bytes | None = None
    ) -> AsyncIterator[Response]:
        """The response, its body not read. A token that is not taken is replaced once. Leaving ends the stream.

        Raises ConnectionLost when there is no answer, CredentialsRefused.
        """
        sent, token = {**self._headers, **headers}, None
        target = self._mailbox if method == "POST" else self._target
        try:
            if self._tokens is not None:
                token = await self._tokens.find()
                sent["Authorization"] = f"Bearer {token}"
            async with self._client.open(method, target, headers=sent, content=content) as response:
                if response.status != 401 or self._tokens is None:
                    yield check_credentials(response)
                    return
                challenge = find_challenge(response, self._target.url)
            sent["Authorization"] = f"Bearer {await self._tokens.find(challenge, refused=token)}"
            async with self._client.open(method, target, headers=sent, content=content) as response:
                yield check_credentials(response)
        except NotReached as error:
            raise ServerAway(f"the server cannot be reached: {error}") from error
        except (HttpFailure, UnsafeTargetError) as error:
            raise ConnectionLost(f"the server cannot be reached: {error}") from error

    async def read(self, response: Response) -> bytes:
        """The whole body. Raises AnswerTooLarge, ConnectionLost when it breaks off."""
        parts, size = [], 0
        async for chunk in self._read_chunks(response):
            parts.append(chunk)
            size += len(chunk)
            if size > self._max_answer_bytes:
                raise AnswerTooLarge(f"the answer is longer than {self._max_answer_bytes} bytes")
        return b"".join(parts)

    async def read_events(self, response: Response) -> AsyncIterator[Event]:
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
        await self._client.close()

    async def _read_chunks(self, response: Response) -> AsyncIterator[bytes]:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise UpstreamError("the server compresses its answer, which was not asked for")
        try:
            async for chunk in response.chunks():
                yield chunk
        except HttpFailure as error:
            raise ConnectionLost(str(error)) from error


def trusted_urls(how: Http) -> list[str]:
    """Addresses the operator wrote down, where he trusts the server; none the server names."""
    if not how.is_trusted:
        return []
    return [how.url, *([how.oauth.token_url] if how.oauth is not None and how.oauth.token_url else [])]


def check_credentials(response: Response) -> Response:
    """Raises CredentialsRefused."""
    if response.status in {401, 403}:
        raise CredentialsRefused(f"the server refuses our credentials (HTTP {response.status})")
    return response


def find_challenge(response: Response, url: str) -> Challenge:
    """Metadata of another origin than the server's own is not looked at."""
    said = read_challenge(response.headers.get("www-authenticate", ""))
    metadata_url = said.get("resource_metadata")
    if metadata_url is not None and origin_of(metadata_url) != origin_of(url):
        metadata_url = None
    return Challenge(metadata_url, said.get("scope"))


def is_stream(response: Response) -> bool:
    return response.headers.get("content-type", "").lower().startswith(STREAM)
