"""How often a tenant may call: in a minute, counted here, and in a day, counted by all gateways (`quota.py`).

The generic cell rate algorithm (`mcp_saas.kit.gcra`): of each bucket one instant is kept, up to which it is used.
"""

import time
from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from bridge.gateway.door.caller import Caller
from bridge.gateway.refusal import CODES, Refusal

Header = tuple[bytes, bytes]
WINDOW_S = 60.0
TENANT, SERVER, DAY = "mcp", "mcp-server", "mcp-day"
A_MINUTE, A_MINUTE_OF_SERVER, A_DAY = 6_000, 3_000, 500_000  # calls of one tenant
DAY_S = 86_400
BYTES_OF_A_CALL = 64 * 1024  # a larger body counts as so many calls
MAX_BUDGETS = 10_000
MAX_SERVERS = 1_000  # of one tenant; who has his whole minute again at one is forgotten there first


class Policy(NamedTuple):
    """Calls of one tenant."""

    a_minute: int = A_MINUTE
    a_minute_of_server: int = A_MINUTE_OF_SERVER
    a_day: int = A_DAY

    def scaled(self, scale: float) -> "Policy":
        return Policy(*(max(1, round(number * scale)) for number in self))


class Budget:
    """Of one tenant. `used` instants are monotonic seconds; `day` counts from 1970, `today` are calls of this process,
    `elsewhere` those of the other gateways as they were last told.
    """

    __slots__ = ("day", "elsewhere", "is_new", "serial", "servers", "today", "used_s")

    def __init__(self, serial: int) -> None:
        self.serial = serial  # of a tenant that was forgotten and came back there are two counts
        self.used_s = 0.0
        self.servers: dict[str, float] = {}
        self.day, self.today, self.elsewhere = 0, 0.0, 0.0
        self.is_new = False  # calls that the other gateways do not know of


class Rates:
    """`scale` multiplies every number."""

    def __init__(
        self,
        scale: float = 1.0,
        *,
        policy: Policy | None = None,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], float] = time.time,
    ) -> None:
        self.policy = (policy or Policy()).scaled(scale)
        self._clock, self._today = clock, today
        self._interval_s = WINDOW_S / self.policy.a_minute
        self._server_interval_s = WINDOW_S / self.policy.a_minute_of_server
        told = b'"%b";q=%d;w=%d' % (TENANT.encode(), self.policy.a_minute, WINDOW_S)
        self._policy_header: Header = (b"ratelimit-policy", told)
        self.budgets: dict[UUID, Budget] = {}
        self._opened = 0

    def take(self, caller: Caller, server: str, *, cost: float = 1.0) -> tuple[Header, ...]:
        """The RateLimit headers of an allowed call, as the web API has them. Raises Refusal 429; then nothing is taken.

        `cost`: in calls (`weigh`).
        """
        budget = self.budgets.get(caller.tenant_id) or self._open(caller.tenant_id)
        now_s = self._clock()
        start_s = max(now_s, budget.used_s)
        used_s = start_s + self._interval_s * cost
        server_start_s = budget.servers.get(server, 0.0)
        server_start_s = max(now_s, server_start_s)
        server_used_s = server_start_s + self._server_interval_s * cost
        if used_s - now_s > WINDOW_S and start_s > now_s:
            raise self._refuse(TENANT, self.policy.a_minute, wait_s=used_s - now_s - WINDOW_S)
        if server_used_s - now_s > WINDOW_S and server_start_s > now_s:
            raise self._refuse(SERVER, self.policy.a_minute_of_server, wait_s=server_used_s - now_s - WINDOW_S)
        self._take_of_day(budget, cost)
        budget.used_s = used_s
        if server_start_s == now_s and len(budget.servers) >= MAX_SERVERS:
            budget.servers = {name: until_s for name, until_s in budget.servers.items() if until_s > now_s}
        budget.servers[server] = server_used_s
        ahead_s = used_s - now_s
        left = max(0, int((WINDOW_S - ahead_s) / self._interval_s + 1e-6))
        return self._policy_header, (b"ratelimit", b'"mcp";r=%d;t=%d' % (left, ahead_s + 1))

    def used_today(self, tenant_id: UUID) -> int:
        """Calls of all gateways, as far as they have told each other."""
        budget = self.budgets.get(tenant_id)
        if budget is None or budget.day != int(self._today() // DAY_S):
            return 0
        return int(budget.today + budget.elsewhere)

    def _take_of_day(self, budget: Budget, cost: float) -> None:
        now_s = self._today()
        day = int(now_s // DAY_S)
        if budget.day != day:
            budget.day, budget.today, budget.elsewhere = day, 0.0, 0.0
        if budget.today + budget.elsewhere + cost > self.policy.a_day:
            raise self._refuse(DAY, self.policy.a_day, wait_s=(day + 1) * DAY_S - now_s, window_s=DAY_S)
        budget.today += cost
        budget.is_new = True

    def _open(self, tenant_id: UUID) -> Budget:
        if len(self.budgets) >= MAX_BUDGETS:
            self._forget_idle()
        self._opened += 1
        budget = self.budgets[tenant_id] = Budget(self._opened)
        return budget

    def _forget_idle(self) -> None:
        """Who has his whole minute again, and whose day the others know. If all are busy the oldest goes."""
        now_s = self._clock()
        self.budgets = {
            tenant_id: budget for tenant_id, budget in self.budgets.items() if budget.used_s > now_s or budget.is_new
        }
        while len(self.budgets) >= MAX_BUDGETS:
            del self.budgets[next(iter(self.budgets))]

    @staticmethod
    def _refuse(name: str, quota: int, *, wait_s: float, window_s: float = WINDOW_S) -> Refusal:
        seconds = int(wait_s) + 1
        return Refusal(
            "too-many",
            f"You may make {quota} calls in {window_s:.0f} seconds. Try again in {seconds} seconds.",
            status=429,
            code=CODES["too-many"],
            retry_after_s=float(seconds),
            headers=(
                (b"ratelimit-policy", f'"{name}";q={quota};w={window_s:.0f}'.encode()),
                (b"ratelimit", f'"{name}";r=0;t={seconds}'.encode()),
            ),
        )


def weigh(size: int) -> float:
    """What a call with a body of so many bytes costs."""
    return 1.0 + size // BYTES_OF_A_CALL
