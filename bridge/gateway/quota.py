"""How much of a day each tenant has used, told by every gateway to the others through Redis. No call waits for it."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bridge.gateway.rates import Budget, Rates

log = structlog.get_logger(__name__)
EVERY_S = 2.0
TELL_S = 2.0  # a Redis that takes longer is away
KEPT_S = 2 * 86_400
AT_ONCE = 500


def name_key(day: int, tenant_id: UUID) -> str:
    """A hash: each gateway's own count. Written as it stands, so a repeated write changes nothing."""
    return f"dazbox:mcp:used:{day}:{tenant_id}"


class DayCount:
    """Without Redis each gateway counts its own calls alone."""

    def __init__(self, redis: Redis, rates: Rates, *, instance: str) -> None:
        self._redis, self._rates, self._instance = redis, rates, instance
        self.is_away = False

    async def run(self) -> None:
        """Until it is cancelled; then the last calls are told."""
        try:
            while True:
                await asyncio.sleep(EVERY_S)
                await self.tell()
        finally:
            await self.tell()

    async def tell(self) -> None:
        """What is new here is told, and what the others told is read."""
        fresh = [(tenant_id, budget) for tenant_id, budget in self._rates.budgets.items() if budget.is_new]
        try:
            for start in range(0, len(fresh), AT_ONCE):
                async with asyncio.timeout(TELL_S):
                    await self._exchange(dict(fresh[start : start + AT_ONCE]))
        except (RedisError, OSError) as error:
            if not self.is_away:
                log.warning("quota_local", error=type(error).__name__)
            self.is_away = True
            return
        self.is_away = False

    async def _exchange(self, budgets: Mapping[UUID, Budget]) -> None:
        told = {tenant_id: (budget.day, budget.today) for tenant_id, budget in budgets.items()}
        async with self._redis.pipeline(transaction=False) as pipeline:
            for tenant_id, (day, today) in told.items():
                key = name_key(day, tenant_id)
                pipeline.hset(key, f"{self._instance}:{budgets[tenant_id].serial}", str(today))
                pipeline.expire(key, KEPT_S)
                pipeline.hgetall(key)
            answers = await pipeline.execute()
        for (tenant_id, (day, today)), counts in zip(told.items(), answers[2::3], strict=True):
            budget = budgets[tenant_id]
            if budget.day == day:
                budget.elsewhere = sum(float(count) for count in counts.values()) - today
                budget.is_new = budget.today != today
