"""Every call leaves a row: who, which tool, a hash of the arguments, what became of it. Never in a call's way."""

import asyncio
from collections import deque
from itertools import islice

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bridge.engine.audited import STREAM, AuditedCall, encode_calls

log = structlog.get_logger(__name__)
BATCH = 500
EVERY_S = 0.25
RETRY_S = 2.0
WRITE_S = 5.0  # a Redis that takes longer is away
DRAIN_S = 2.0  # at the end, for what waits
MAX_WAITING = 20_000
MAX_WAITING_BYTES = 16 << 20  # of arguments, where they are logged
MAX_ROWS = 1_000_000
MAX_ARGUMENTS = 16 * 1024  # characters that are logged of one call's
MAX_NAME = 256
CUT = "…"
# One command for a batch: as a pipeline it costs the gateway ten times the time of its own share of a call.
# The rows are lines of one argument, since each argument is as dear to pack as its row is to encode.
APPEND = """
local count = 0
for row in string.gmatch(ARGV[2], '[^\\n]+') do
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'row', row)
  count = count + 1
end
return count
"""


class Audit:
    """Rows wait in memory, bounded; what is lost is counted and told. Without a Redis (servers from a file) nothing is
    written, and nothing is called lost.
    """

    def __init__(self, redis: Redis | None) -> None:
        self._redis = redis
        self._rows: deque[AuditedCall] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self.lost = self.written = 0
        self.is_away = False

    @property
    def backlog(self) -> int:
        return len(self._rows)

    def note(self, row: AuditedCall) -> None:
        if self._redis is None:
            return
        if len(self._rows) >= MAX_WAITING or self._bytes > MAX_WAITING_BYTES:
            self.lost += 1
            return
        self._rows.append(row)
        if row.arguments is not None:
            self._bytes += len(row.arguments)
        if len(self._rows) == BATCH:
            self._wake.set()

    async def run(self) -> None:
        """Until it is cancelled, even where the client of Redis kept that to itself, as it does now and then; then what
        waits is written, if Redis takes it within DRAIN_S.
        """
        task = asyncio.current_task()
        try:
            while task is None or not task.cancelling():
                await self._rest()
                await self.flush()
        finally:
            await self._drain()

    async def flush(self) -> None:
        """What waits is written now. While Redis is away it goes on waiting."""
        while self._rows and self._redis is not None:
            rows = list(islice(self._rows, BATCH))
            try:
                await self._write(self._redis, rows)
            except (RedisError, OSError) as error:
                if not self.is_away:
                    log.warning("audit_away", error=type(error).__name__, waiting=len(self._rows))
                self.is_away = True
                return
            if self.is_away:
                log.info("audit_back", lost=self.lost)
            self.is_away = False
            self._take_off(len(rows))

    @staticmethod
    async def _write(redis: Redis, rows: list[AuditedCall]) -> None:
        """All or none of them: a repeat after a lost answer writes them twice, which the audit bears; never half."""
        async with asyncio.timeout(WRITE_S):
            await redis.eval(APPEND, 1, STREAM, str(MAX_ROWS), encode_calls(rows))

    def _take_off(self, count: int) -> None:
        for _ in range(count):
            row = self._rows.popleft()
            if row.arguments is not None:
                self._bytes -= len(row.arguments)
        self.written += count

    async def _rest(self) -> None:
        """A quarter of a second, or until a batch is full; longer while Redis is away."""
        self._wake.clear()
        try:
            async with asyncio.timeout(RETRY_S if self.is_away else EVERY_S):
                await self._wake.wait()
        except TimeoutError:
            return
        if self.is_away:
            await asyncio.sleep(RETRY_S)

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(DRAIN_S):
                await self.flush()
        except TimeoutError:
            log.warning("audit_not_drained", waiting=len(self._rows))
        self.lost += len(self._rows)
        if self._rows:
            log.warning("audit_lost", rows=self.lost)


def cut_name(name: str) -> str:
    """Of a tool, as whoever called wrote it: there may be none of this name, nor of this length."""
    return name if len(name) <= MAX_NAME else name[:MAX_NAME] + CUT


def cut_arguments(arguments: bytes) -> str:
    """As they are logged: at most MAX_ARGUMENTS characters."""
    text = arguments[: 4 * MAX_ARGUMENTS].decode("utf-8", "replace")
    return text if len(text) <= MAX_ARGUMENTS and len(arguments) <= 4 * MAX_ARGUMENTS else text[:MAX_ARGUMENTS] + CUT
