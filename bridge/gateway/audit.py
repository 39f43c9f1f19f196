"""Every call leaves a row: who, which tool, a hash of the arguments, what became of it. Never in a call's way."""

import asyncio
from collections import deque

from redis.asyncio import Redis

from bridge.engine.audited import FIELD, STREAM, AuditedCall, encode_call

BATCH = 500
EVERY_S = 0.25
MAX_WAITING = 50_000
MAX_ROWS = 1_000_000


class Audit:
    """Rows wait in memory, bounded; what is lost is counted. Without a Redis (servers from a file) all of it is."""

    def __init__(self, redis: "Redis | None") -> None:
        self._redis = redis
        self._rows: deque[AuditedCall] = deque()
        self.lost = self.written = 0

    @property
    def backlog(self) -> int:
        return len(self._rows)

    def note(self, row: AuditedCall) -> None:
        if self._redis is None or len(self._rows) >= MAX_WAITING:
            self.lost += 1
            return
        self._rows.append(row)

    async def run(self) -> None:
        """Until it is cancelled; then what waits is written, if Redis is there."""
        try:
            while True:
                await asyncio.sleep(EVERY_S)
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """What waits is written now, as far as Redis is there."""
        while self._rows and self._redis is not None:
            rows = [self._rows.popleft() for _ in range(min(BATCH, len(self._rows)))]
            async with self._redis.pipeline(transaction=False) as pipeline:
                for row in rows:
                    pipeline.xadd(STREAM, {FIELD: encode_call(row)}, maxlen=MAX_ROWS, approximate=True)
                await pipeline.execute()
            self.written += len(rows)
