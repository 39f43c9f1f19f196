"""What tenants gave servers of their own: asked of Redis when a connection is opened, looked at while it lives."""

from collections.abc import Awaitable, Iterable
from typing import Protocol
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bridge.engine.own_secrets import ALL, SECRETS, open_secrets
from bridge.engine.server import Server, TenantSecret
from bridge.sources.connection import Connection, ConnectionLost, Era, OnLog
from mcp_saas.kit.crypto import SealError


class OpenWith(Protocol):
    """How a connection is opened that carries a tenant's own secret, or nobody's; `known` its era.

    Raises ConnectionLost.
    """

    async def __call__(
        self, server: Server, secret: TenantSecret | None, *, on_log: OnLog, known: Era | None = None
    ) -> Connection: ...


Own = tuple[str, UUID]  # a server's name, and the tenant whose connection to it it is


class OwnSecrets:
    """`redis` None: servers come from a file, where nobody has any. Redis away, or it has lost them: it goes on with
    what it has read of those that are connected.
    """

    def __init__(self, redis: Redis | None, key: bytes | None) -> None:
        self._redis, self._key = redis, key
        self._read: dict[UUID, bytes | None] = {}  # as it stood there last
        self._used: dict[Own, TenantSecret | None] = {}  # with which connections were opened

    async def find(self, server: str, tenant: UUID) -> TenantSecret | None:
        """None: it gave none. Raises ConnectionLost where that cannot be known."""
        if self._redis is None or self._key is None:
            return None
        try:
            await self._ask(self._redis, [tenant])
            secret = self._open(server, tenant)
        except (RedisError, OSError, SealError):
            raise ConnectionLost("Your own secrets for it cannot be read now: try again in a moment.") from None
        self._used[server, tenant] = secret
        return secret

    async def find_changed(self, connected: Iterable[Own]) -> list[Own]:
        """Of these, those whose secrets are others than they were opened with. Raises RedisError, SealError."""
        those = {own for own in connected if own in self._used}
        self._used = {own: secret for own, secret in self._used.items() if own in those}
        tenants = sorted({tenant for _, tenant in those})
        self._read = {tenant: self._read.get(tenant) for tenant in tenants}
        if self._redis is None or not tenants:
            return []
        before = dict(self._read)
        await self._ask(self._redis, tenants)
        moved = [own for own in those if self._read[own[1]] != before[own[1]]]
        return [own for own in moved if self._open(*own) != self._used[own]]

    async def _ask(self, redis: Redis, tenants: list[UUID]) -> None:
        asking: Awaitable[list[bytes | None]] = redis.hmget(SECRETS, [ALL, *map(str, tenants)])  # type: ignore[assignment]
        try:
            mark, *found = await asking
        except (RedisError, OSError):
            if all(tenant in self._read for tenant in tenants):
                return
            raise
        if mark is not None:
            self._read.update(zip(tenants, found, strict=True))
        elif not all(tenant in self._read for tenant in tenants):
            raise RedisError("nothing stands there yet")

    def _open(self, server: str, tenant: UUID) -> TenantSecret | None:
        value = self._read[tenant]
        if value is None or self._key is None:
            return None
        found = open_secrets(value, self._key, tenant_id=tenant)
        return next((secret for secret in found if secret.server == server), None)
