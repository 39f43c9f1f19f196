"""Who asks too much is told so at once, while he heeds it; who goes on asking is told ever later.

To refuse costs nearly as much as to answer. A tenant that asks anew the moment it is refused would keep the process so
busy with refusals that its neighbours wait; held up, it can be refused no more than once a second on each connection.
"""

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

from bridge.gateway.refusal import Refusal

FREE, A_SECOND = 20, 20.0  # refusals of one tenant told at once, and how soon there are more of them
MOST_S = 1.0  # a refusal is told no later; its Retry-After is at least as long
MAX_TENANTS = 1_000


class Tarpit:
    """The generic cell rate algorithm (`mcp_saas.kit.gcra`) over refusals, by tenant."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used_s: dict[UUID, float] = {}

    async def hold(self, tenant: UUID, refusal: Refusal) -> None:
        """Before a refusal is told."""
        if refusal.status == 429:
            wait_s = self.take(tenant)
            if wait_s > 0:
                await asyncio.sleep(wait_s)

    def take(self, tenant: UUID) -> float:
        """Seconds this refusal is held up."""
        now_s = self._clock()
        used_s = max(now_s, self._used_s.get(tenant, 0.0)) + 1 / A_SECOND
        wait_s = min(used_s - now_s - FREE / A_SECOND, MOST_S)
        if len(self._used_s) >= MAX_TENANTS:
            self._used_s = {other: until_s for other, until_s in self._used_s.items() if until_s > now_s}
        self._used_s[tenant] = min(used_s, now_s + FREE / A_SECOND + MOST_S)
        return wait_s
