"""The door: whose token it is, before anything is done for it. No database, and no signature twice in a minute."""

import hmac
import time
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from jwt import PyJWK

from bridge.gateway.door.caller import Caller, Visitor
from bridge.gateway.door.challenge import challenge, keys_missing, refuse_operator, refuse_scope
from bridge.gateway.door.exchange import START, KeyExchange
from bridge.gateway.door.keys import KeySet
from bridge.gateway.door.token import LEEWAY_S, TokenError, Verified, read_kid, verify

KEPT_S = 60.0
MAX_KEPT = 10_000
Scope = Mapping[str, Any]  # ASGI's
ANONYMOUS = "anonymous"


class Grant:
    """A verified token, and against which keys and which standing of the tenants it was last looked at."""

    __slots__ = ("good_until", "keys_version", "standing", "verified")

    def __init__(self, verified: Verified, *, good_until: float, keys_version: int) -> None:
        self.verified, self.good_until, self.keys_version = verified, good_until, keys_version
        self.standing = -1


class Door:
    """`anonymous`: the tenant of callers without a token (on a loopback address alone); then `keys` may be None.
    `exchange`: for API keys; without it they are refused.
    """

    def __init__(
        self,
        keys: KeySet | None,
        *,
        issuer: str,
        audience: str,
        anonymous: UUID | None = None,
        exchange: KeyExchange | None = None,
    ) -> None:
        self._keys, self._issuer, self._audience = keys, issuer, audience
        self._exchange = exchange
        self._guest = None if anonymous is None else open_to_guests(anonymous)
        self._grants: dict[bytes, Grant] = {}  # by token, since finding one must cost less than a hash
        self._closed: frozenset[UUID] = frozenset()
        self._token_versions: Mapping[UUID, int] = {}
        self._standing = 0

    def revoke(self, *, closed: Collection[UUID], token_versions: Mapping[UUID, int]) -> None:
        """As the catalogue has it now. Every token is held against it at its next call."""
        self._closed, self._token_versions = frozenset(closed), dict(token_versions)
        self._standing += 1

    def recall(self, authorization: bytes | None) -> Caller | None:
        """Who was let in with this header within the minute, and still would be; None: `admit` must look."""
        if authorization is None or not authorization.startswith(b"Bearer "):
            return None
        grant, keys = self._grants.get(authorization[7:]), self._keys
        if (
            grant is None
            or grant.standing != self._standing
            or grant.good_until <= time.time()
            or keys is None
            or grant.keys_version != keys.version
        ):
            return None
        visitor = grant.verified.visitor
        return visitor if type(visitor) is Caller else None

    async def admit(self, scope: Scope) -> Caller:
        """Raises Refusal 401 without a good token, 403 for one of no tenant, 503 while no key could be read."""
        visitor = await self.admit_visitor(scope)
        if type(visitor) is Caller:
            return visitor
        raise refuse_operator()

    async def admit_visitor(self, scope: Scope) -> Visitor:
        """An operator's token too: for the status and the metrics."""
        token = find_token(scope["headers"])
        if token is None:
            if self._guest is not None:
                return self._guest
            raise challenge(scope)
        grant = self._grants.get(token)
        if grant is None or grant.good_until <= time.time() or grant.keys_version != self._version:
            grant = await self._verify(scope, token)
            self._keep(token, grant)
        if grant.standing != self._standing:
            self._check_standing(scope, grant, token=token)
        return grant.verified.visitor

    async def admit_scraper(self, scope: Scope, *, metrics_token: str | None) -> None:
        """Whoever brings METRICS_TOKEN, operators, and guests. Raises Refusal."""
        token = find_token(scope["headers"])
        if token and metrics_token and hmac.compare_digest(token, metrics_token.encode()):
            return
        visitor = await self.admit_visitor(scope)
        if isinstance(visitor, Caller) and not visitor.is_guest:
            raise refuse_scope("operator", "/metrics")

    @property
    def _version(self) -> int:
        return 0 if self._keys is None else self._keys.version

    async def _verify(self, scope: Scope, token: bytes) -> Grant:
        """Raises Refusal."""
        if self._keys is None:
            raise challenge(scope, why="tokens are not read here: call without one")
        try:
            borne = token.decode("latin-1")
            text = borne
            if self._exchange is not None and token.startswith(START):
                text = await self._exchange.exchange(borne, address=find_address(scope))
            key = await self._find_key(self._keys, read_kid(text))
            verified = verify(text, key, issuer=self._issuer, audience=self._audience, borne=borne)
        except TokenError as error:
            raise challenge(scope, why=str(error)) from None
        good_until = min(time.time() + KEPT_S, verified.visitor.expires_at + LEEWAY_S)
        return Grant(verified, good_until=good_until, keys_version=self._keys.version)

    async def _find_key(self, keys: KeySet, kid: str) -> PyJWK:
        """Raises TokenError, or Refusal 503 while no key could be read."""
        key = keys.find(kid) or await keys.seek(kid)
        if key is None:
            if keys.read_at_s is None:
                raise keys_missing()
            raise TokenError("its key is not one of ours")
        return key

    def _check_standing(self, scope: Scope, grant: Grant, *, token: bytes) -> None:
        """Raises Refusal 401 for a token that was revoked before its time; an API key is exchanged anew next time."""
        visitor = grant.verified.visitor
        if isinstance(visitor, Caller):
            self._grants.pop(token, None)
            if visitor.tenant_id in self._closed:
                raise challenge(scope, why="its tenant is closed")
            if grant.verified.token_version < self._token_versions.get(visitor.tenant_id, 0):
                raise challenge(scope, why="it was revoked: sign in again")
            self._grants[token] = grant
        grant.standing = self._standing

    def _keep(self, token: bytes, grant: Grant) -> None:
        self._grants.pop(token, None)
        while len(self._grants) >= MAX_KEPT:
            del self._grants[next(iter(self._grants))]
        self._grants[token] = grant


def open_to_guests(tenant_id: UUID) -> Caller:
    return Caller(ANONYMOUS, tenant_id, frozenset({"read", "act"}), "", "", float("inf"))


def find_token(headers: Collection[tuple[bytes, bytes]]) -> bytes | None:
    """The bearer token, empty where the header is another scheme's; None without the header."""
    token = None
    for name, value in headers:
        if name == b"authorization":
            token = value[7:].strip() if value[:7].lower() == b"bearer " else b""
    return token


def find_address(scope: Scope) -> str:
    """Of who is connected; empty on a socket that has none."""
    client = scope.get("client")
    return str(client[0]) if client else ""
