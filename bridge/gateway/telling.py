"""What the control plane hears of a gateway: what it sees, and what its servers say."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bridge.engine.board import LINE_BYTES, LOG, LOG_LINES, SEEN, SEEN_LIFE_S
from bridge.gateway.config import Config
from bridge.gateway.parts import Parts
from bridge.sources.connection import Line
from mcp_saas.kit.scrub import scrub_text

SEEN_EVERY_S, LOG_EVERY_S = 1.0, 0.25
MOST_LINES = 20_000  # that wait; more are counted, not kept


class Telling:
    def __init__(self, config: Config) -> None:
        self.redis: Redis | None = Redis.from_url(config.redis_url) if config.redis_url else None
        self._lines: deque[tuple[str, dict[str, str]]] = deque(maxlen=MOST_LINES)

    def log(self, server: str, line: Line) -> None:
        """One line a server said, or that is said of it. Kept for the control plane; without one, for nobody."""
        if self.redis is not None:
            cut = line.text.encode()[:LINE_BYTES].decode(errors="ignore")
            pid = "" if line.pid is None else str(line.pid)
            self._lines.append((server, {"at": f"{time.time():.6f}", "stream": line.stream, "pid": pid, "text": cut}))

    async def run(self, parts: Parts) -> None:
        if self.redis is None:
            return
        due_s = 0.0
        while True:
            await asyncio.sleep(LOG_EVERY_S)
            try:
                await self._tell_lines(self.redis)
                if time.monotonic() >= due_s:
                    await self._tell_seen(self.redis, parts)
                    due_s = time.monotonic() + SEEN_EVERY_S
            except (RedisError, OSError):
                continue  # it comes back; meanwhile lines wait

    async def _tell_lines(self, redis: Redis) -> None:
        if not self._lines:
            return
        batch = [self._lines.popleft() for _ in range(min(len(self._lines), 500))]
        try:
            async with redis.pipeline(transaction=False) as pipe:
                for server, told in batch:
                    fields = told | {"text": scrub_text(told["text"])}
                    pipe.xadd(LOG + server, fields, maxlen=LOG_LINES, approximate=True)  # type: ignore[arg-type]
                await pipe.execute()
        except (RedisError, OSError):
            self._lines.extendleft(reversed(batch))
            raise

    async def _tell_seen(self, redis: Redis, parts: Parts) -> None:
        telling: Awaitable[object] = redis.set(SEEN + parts.instance, msgspec.json.encode(parts.see()), ex=SEEN_LIFE_S)
        await telling
