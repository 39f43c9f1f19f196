"""Answers that are kept for a while: bounded in bytes, the longest unused goes first."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

from msgspec import Struct

OVERHEAD_BYTES = 400  # of an entry, beside its body


class Kept(Struct, frozen=True):
    """An answer as it was given, and until when it holds (monotonic seconds)."""

    body: bytes
    expires_at_s: float
    server: str
    tenant: UUID | None  # None: the same for everybody


def make_key(server: str, method: str, *, params: bytes, tenant: UUID | None = None) -> bytes:
    """`params` in one spelling (`bridge.engine.canonical`). Without a tenant the answer is everybody's."""
    owner = tenant.bytes if tenant else b""
    return hashlib.blake2b(
        b"\0".join((owner.hex().encode(), server.encode(), method.encode(), params)), digest_size=20
    ).digest()


class Answers:
    """Keys hold the tenant; entries know it too, so that `drop` finds them. Whoever answers from here shows it, in
    `_meta` and in the header X-Cache.
    """

    def __init__(self, max_bytes: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes, self._clock = max_bytes, clock
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()
        self._by_server: dict[str, set[bytes]] = {}
        self._epochs: dict[str, int] = {}
        self.bytes, self.hits, self.misses = 0, 0, 0

    def find(self, key: bytes) -> Kept | None:
        kept = self._kept.get(key)
        if kept is None or kept.expires_at_s <= self._clock():
            self.misses += 1
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        self.hits += 1
        return kept

    def epoch(self, server: str) -> int:
        """Read before the call is made and handed to `keep`: what changed meanwhile is not kept."""
        return self._epochs.get(server, 0)

    def keep(
        self,
        key: bytes,
        body: bytes,
        *,
        ttl_s: float,
        server: str,
        tenant: UUID | None = None,
        epoch: int | None = None,
    ) -> None:
        size = len(body) + OVERHEAD_BYTES
        if ttl_s <= 0 or size > self._max_bytes // 4 or (epoch is not None and epoch != self.epoch(server)):
            return
        self._forget(key)
        while self._kept and self.bytes + size > self._max_bytes:
            self._forget(next(iter(self._kept)))
        self._kept[key] = Kept(body, self._clock() + ttl_s, server, tenant)
        self._by_server.setdefault(server, set()).add(key)
        self.bytes += size

    def drop(self, server: str, *, tenant: UUID | None = None) -> None:
        """All answers of a server, or those of one tenant: its list changed, it was restarted or configured anew."""
        self._epochs[server] = self.epoch(server) + 1
        for key in list(self._by_server.get(server, ())):
            if tenant is None or self._kept[key].tenant == tenant:
                self._forget(key)

    def _forget(self, key: bytes) -> None:
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        self.bytes -= len(kept.body) + OVERHEAD_BYTES
        keys = self._by_server[kept.server]
        keys.discard(key)
        if not keys:
            del self._by_server[kept.server]
