"""Access tokens of a server that wants OAuth: by client credentials, kept until they end. Ours, never a caller's."""

import asyncio
import base64
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

import msgspec
from msgspec import Struct

from bridge.engine.server import ClientCredentials
from bridge.sources.connection import CredentialsRefused, UpstreamError
from bridge.sources.http.client import Client
from bridge.sources.http.discovery import Issuer, discover, read_small

EARLY_S = 30.0  # before its end a token is not used any more
UNKNOWN_LIFE_S = 300.0


class Challenge(NamedTuple):
    """What `WWW-Authenticate` says."""

    metadata_url: str | None = None
    scope: str | None = None


class _Granted(Struct, frozen=True):
    access_token: str
    expires_in: float | None = None
    token_type: str = "Bearer"  # noqa: S105 - a kind, no token


class _Refused(Struct, frozen=True):
    error: str = "no reason given"
    error_description: str = ""


_read_granted = msgspec.json.Decoder(_Granted, strict=False).decode
_read_refused = msgspec.json.Decoder(_Refused).decode


class Tokens:
    """`url`: of the server. The endpoint of tokens is looked for where the credentials do not name it."""

    def __init__(self, client: Client, credentials: ClientCredentials, *, url: str, clock: Callable[[], float]) -> None:
        self._client = client
        self._credentials = credentials
        self._url = url
        self._clock = clock
        self._token = ""
        self._ends_at = 0.0
        self._issuer: Issuer | None = None
        self._lock = asyncio.Lock()

    async def find(self, challenge: Challenge | None = None, *, refused: str | None = None) -> str:
        """A token that is still good. `refused`: the one the server did not take; another is asked for, once for all
        who wait. Raises UpstreamError.
        """
        async with self._lock:
            if self._clock() >= self._ends_at or self._token == refused:
                await self._ask(challenge or Challenge())
            return self._token

    async def _ask(self, challenge: Challenge) -> None:
        if self._issuer is None:
            self._issuer = await self._find_issuer(challenge)
        form = {
            "grant_type": "client_credentials",
            "resource": self._credentials.resource or self._issuer.resource or self._url,
        }
        if scope := self._credentials.scope or challenge.scope or self._issuer.scope:
            form["scope"] = scope
        headers = {"Accept": "application/json"}
        if self._issuer.takes_basic:
            headers["Authorization"] = make_basic(self._credentials)
        else:
            form |= {"client_id": self._credentials.client_id, "client_secret": self._credentials.client_secret}
        status, body = await read_small(self._client, self._issuer.token_url, method="POST", headers=headers, form=form)
        self._keep(status, body)

    async def _find_issuer(self, challenge: Challenge) -> Issuer:
        if self._credentials.token_url:
            return Issuer(self._credentials.token_url)
        return await discover(self._client, self._url, metadata_url=challenge.metadata_url)

    def _keep(self, status: int, body: bytes) -> None:
        try:
            if status != 200:
                refused = _read_refused(body)
                raise CredentialsRefused(
                    f"the server's authorization server refused us: {refused.error} {refused.error_description}".strip()
                )
            granted = _read_granted(body)
        except msgspec.DecodeError as error:
            raise UpstreamError(f"the answer to a request for a token cannot be read (HTTP {status})") from error
        if granted.token_type.lower() != "bearer":
            raise UpstreamError(f"a token of type {granted.token_type[:20]} was granted, and Bearer is what we carry")
        life_s = UNKNOWN_LIFE_S if granted.expires_in is None else granted.expires_in
        self._token, self._ends_at = granted.access_token, self._clock() + max(life_s - EARLY_S, life_s / 2)


def make_basic(credentials: ClientCredentials) -> str:
    """RFC 6749, 2.3.1: both are form-encoded first."""
    pair = f"{quote(credentials.client_id, safe='')}:{quote(credentials.client_secret, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
