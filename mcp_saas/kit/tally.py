"""How systems outside fare: what became of the calls to each, counted in Redis for all processes.

A tally never stands in the way: while Redis is away, what happens is not counted.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import redis
import structlog
from msgspec import Struct
from redis.exceptions import RedisError

from mcp_saas.kit.breaker import Breaker

log = structlog.get_logger(__name__)
RECENT: Final = 20
RECENT_S: Final = 86_400
_REDIS_BUDGET_S: Final = 0.3


class Tallied(Struct, frozen=True):
    """`counts` by outcome, since Redis was started; `recent`: whether the last calls found it up, the newest first."""

    counts: Mapping[str, int]
    recent: tuple[bool, ...]


class Tally:
    """Any number of threads and processes may use one namespace."""

    def __init__(self, redis_url: str, namespace: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client: Any = redis.Redis.from_url(
            redis_url, socket_timeout=_REDIS_BUDGET_S, socket_connect_timeout=_REDIS_BUDGET_S, retry=None
        )
        self._namespace = namespace
        self._breaker = Breaker(failures=1, rest_s=5, clock=clock)

    def note(self, system: str, outcomes: Counter[str], *, is_up: bool) -> None:
        """One call: what became of it (`outcomes`, each with its count), and whether the system was there."""
        counts, recent = self._name("outcomes", system), self._name("recent", system)

        def tell(pipeline: Any) -> None:
            for outcome, count in (+outcomes).items():
                pipeline.hincrby(counts, outcome, count)
            pipeline.lpush(recent, int(is_up)).ltrim(recent, 0, RECENT - 1).expire(recent, RECENT_S)

        self._send(tell)

    def read(self, system: str) -> Tallied | None:
        """None: Redis does not answer."""
        counts, recent = self._name("outcomes", system), self._name("recent", system)
        answers = self._send(lambda pipeline: pipeline.hgetall(counts).lrange(recent, 0, RECENT - 1))
        if answers is None:
            return None
        counted, last = answers
        return Tallied(
            {name.decode(): int(count) for name, count in sorted(counted.items())}, tuple(one == b"1" for one in last)
        )

    def _send(self, fill: Callable[[Any], object]) -> Any:
        if not self._breaker.allow():
            return None
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                fill(pipeline)
                answers = pipeline.execute()
        except RedisError as error:
            log.warning("tally_away", error=type(error).__name__)
            self._breaker.note_failure()
            return None
        self._breaker.note_success()
        return answers

    def _name(self, *parts: str) -> str:
        return ":".join((self._namespace, "tally", *parts))


@cache
def find_tally(redis_url: str, namespace: str = "dazbox") -> Tally:
    """One of the process for each place."""
    return Tally(redis_url, namespace)
