"""Answers that cost something, kept in Redis for all processes: a tenant's own, by kind and arguments.

- One makes, the others wait: a lock with a lease, which another takes over when its holder died.
- After `ttl_s` a value is stale. One caller makes it anew and the others get the old one, for `stale_s` more seconds;
  it also stands in when making it anew fails.
- Without Redis each caller makes its own. That is counted (`errors`), and never the caller's trouble.
"""

import hashlib
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
import redis
import structlog
from msgspec import Struct
from redis.exceptions import RedisError, ResponseError

from mcp_saas.kit.breaker import Breaker
from mcp_saas.kit.cache_script import KEEP, LOOK, PEEK, RELEASE, RENDER, TAKE
from mcp_saas.kit.gcra import Toll, Verdict
from mcp_saas.kit.metrics import note_cache
from mcp_saas.kit.redis_script import Argument, Line, Script

log = structlog.get_logger(__name__)
# Seconds a value is fresh, by kind: one table for all that is kept.
TTL_S: Final = {
    "node_info": 300,
    "recommendations": 600,
    "openai": 1800,
    "sparkseer": 3600,
    "amboss": 10_800,
    "lnbits": 60,
}
BRIEF_TTL_S: Final = 15.0
LEASE_S: Final = 30.0  # longer than any `make` takes
MAX_LIFE_S: Final = 86_400  # fresh and stale together
MAX_VALUE_BYTES: Final = 1 << 20  # a longer value is given out and not kept
REST_S: Final = 5.0  # without Redis after it failed; without trying again after a value could not be made anew
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.005, 0.1
_REDIS_BUDGET_S: Final = 0.5
_LOST_S: Final = 0.2  # waited for in vain: one call that hangs is enough
_REVISION_LIFE_MS: Final = 2 * MAX_LIFE_S * 1000  # a revision outlives every entry that names it
_MAX_CONNECTIONS: Final = 1000

Make = Callable[[], bytes]
Found = Literal["hits", "misses", "stale", "bypassed"]


class Brief(bytes):
    """A value that was made while something was missing: it is fresh for BRIEF_TTL_S at most."""


class Cached(NamedTuple):
    """`is_hit`: it was there, fresh or stale. `age_s`: since it was made. `is_away`: Redis is, so it was made for this
    caller alone.
    """

    value: bytes
    is_hit: bool
    is_stale: bool
    age_s: float
    is_away: bool = False


class Taken(NamedTuple):
    """A kept value, or the rendering of it that was asked for, and what is left to the caller it was given to.

    `maker` tells the value from those made before and after it.
    """

    cached: Cached
    verdict: Verdict
    is_rendering: bool
    maker: bytes


class Statistics(Struct, frozen=True):
    """Of one kind, by all processes: what callers found, how often the value was made, how often Redis failed them."""

    hits: int = 0
    misses: int = 0
    stale: int = 0
    bypassed: int = 0
    makes: int = 0
    errors: int = 0


class _Place(NamedTuple):
    kind: str
    keys: tuple[str, str, str, str]  # entry, revision, lock, statistics


class _Look(NamedTuple):
    found: Found
    has_lock: bool
    revision: str
    value: bytes
    age_s: float


class Cache:
    """Any number of threads and processes may use one namespace."""

    def __init__(
        self,
        redis_url: str,
        namespace: str,
        *,
        lease_s: float = LEASE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client: Any = redis.Redis.from_url(  # its script calls are untyped
            redis_url,
            socket_timeout=_REDIS_BUDGET_S,
            socket_connect_timeout=_REDIS_BUDGET_S,
            retry=None,
            max_connections=_MAX_CONNECTIONS,
        )
        script = partial(Script, Line(self._client))
        self._look_script, self._keep_script, self._release_script = map(script, (LOOK, KEEP, RELEASE))
        self._take_script, self._render_script, self._peek_script = map(script, (TAKE, RENDER, PEEK))
        self._namespace, self._lease_s, self._clock = namespace, lease_s, clock
        self._breaker = Breaker(failures=3, rest_s=REST_S, lost_s=_LOST_S, clock=clock)
        self._lock = threading.Lock()
        self._errors: Counter[str] = Counter()  # by kind, those Redis has not been told of
        self._owed: set[tuple[str, str]] = set()  # (tenant, kind) whose invalidation Redis has not been told of

    def get_or_make(  # noqa: PLR0913 - what is kept, how it is made and for how long
        self,
        kind: str,
        tenant_id: UUID | str,
        *,
        arguments: object,
        make: Make,
        ttl_s: float | None = None,
        stale_s: float = 0,
        use_cache: bool = True,
    ) -> Cached:
        """The value of `kind` and `arguments` (anything msgspec encodes) for the tenant, made if it is not there.

        `ttl_s`: that of the kind in TTL_S unless given; less for what is Brief. Without `use_cache` it is made in any
        case, and kept for the others. Raises what `make` raises, unless an old value can stand in.
        """
        place, token = self._place(kind, str(tenant_id), arguments=arguments), secrets.token_hex(8)
        life = (TTL_S[kind] if ttl_s is None else ttl_s, stale_s)
        look = self._look(place, token, lease_s=self._lease_s if use_cache else 0)
        note_cache(kind, outcome=look.found if look else "away")
        if look and look.found == "misses" and not look.has_lock:
            look = self._wait(place, token)
        if look and (look.found == "hits" or (look.found == "stale" and not look.has_lock)):
            return Cached(look.value, is_hit=True, is_stale=look.found == "stale", age_s=look.age_s)
        return self._make(place, token, look=look, make=make, life=life)

    def peek(self, kind: str, tenant_id: UUID | str, *, arguments: object) -> Cached | None:
        """What is there, fresh or stale. Nobody is waited for, nothing is made or counted."""
        place = self._place(kind, str(tenant_id), arguments=arguments)
        answer = self._ask(kind, lambda: self._peek_script(keys=place.keys[:2], args=()), keys=place.keys)
        if answer is None:
            return None
        value, is_fresh, age_ms = answer
        return Cached(value, is_hit=True, is_stale=not is_fresh, age_s=age_ms / 1000)

    def take(
        self, kind: str, tenant_id: UUID | str, *, arguments: object, toll: Toll, rendering: str = ""
    ) -> Taken | None:
        """What is kept and fresh, with the caller's limit judged on the same way to Redis. With the name of a
        `rendering` that, if there is one of the value.

        None: it is not there, the caller is beyond the limit, or Redis fails or has failed last. Then nothing was
        counted, and whoever limits and makes in two steps says which it is.
        """
        if self._breaker.has_failed:
            return None
        place = self._place(kind, str(tenant_id), arguments=arguments)
        entry, revision, _, statistics = place.keys
        args = (kind, *toll.quota.as_arguments(), _name_field(rendering))
        began_s = time.monotonic()
        try:
            answer = self._take_script(keys=(entry, revision, statistics, toll.counter), args=args)
        except ResponseError:
            return None
        except RedisError:
            self._breaker.note_failure(time.monotonic() - began_s)
            return None
        if answer is None:
            return None
        note_cache(kind, outcome="hits")
        field, age_ms, verdict, is_wanted, maker = answer
        cached = Cached(field, is_hit=True, is_stale=False, age_s=age_ms / 1000)
        return Taken(cached, toll.quota.read_verdict(verdict), bool(rendering and is_wanted), maker or b"")

    def keep_rendering(
        self, kind: str, tenant_id: UUID | str, *, arguments: object, maker: bytes, rendering: str, content: bytes
    ) -> None:
        """Beside the value that was taken: it goes when that does. Where another value has come it is not kept."""
        place = self._place(kind, str(tenant_id), arguments=arguments)
        if maker and len(content) <= MAX_VALUE_BYTES:
            args = (maker, _name_field(rendering), content)
            self._ask(kind, lambda: self._render_script(keys=place.keys[:1], args=args))

    def invalidate(self, tenant_id: UUID | str, *kinds: str) -> None:
        """All that is kept of these kinds counts no more. While Redis is away this process remembers to do it."""
        with self._lock:
            self._owed |= {(str(tenant_id), kind) for kind in kinds}
        if not self._breaker.is_open:
            self._settle()

    def read_statistics(self) -> dict[str, Statistics] | None:
        """By kind, since Redis was started; None: Redis does not answer, or what it holds is none (it counts anew)."""
        name = self._name("statistics")
        counted = self._ask("statistics", lambda: self._client.hgetall(name), keys=(name,))
        if counted is None:
            return None
        try:
            return _read_counts(counted)
        except ValueError:
            log.warning("cache_statistics_unreadable")
            self._ask("statistics", lambda: self._client.unlink(name))
            return None

    def _make(self, place: _Place, token: str, *, look: _Look | None, make: Make, life: tuple[float, float]) -> Cached:
        try:
            value = make()
        except Exception:
            is_replaced = look is not None and look.found == "stale"
            if look and look.has_lock:
                rest_ms = round(REST_S * 1000) if is_replaced else 0
                self._ask(place.kind, lambda: self._release_script(keys=(place.keys[2],), args=(token, rest_ms)))
            if look is None or not is_replaced:
                raise
            log.warning("stale_value_stands_in", kind=place.kind, exc_info=True)
            return Cached(look.value, is_hit=True, is_stale=True, age_s=look.age_s)
        if look:
            ttl_s, stale_s = life
            ttl_s = min(ttl_s, BRIEF_TTL_S) if isinstance(value, Brief) else ttl_s
            self._keep(place, token, revision=look.revision, value=value, life=(ttl_s, stale_s))
        return Cached(value, is_hit=False, is_stale=False, age_s=0.0, is_away=look is None)

    def _wait(self, place: _Place, token: str) -> _Look | None:
        """Until the value is there or this caller has the lock: at most two leases, then it makes its own."""
        ends_at_s, pause_s = self._clock() + 2 * self._lease_s, FIRST_PAUSE_S
        while True:
            threading.Event().wait(pause_s * (0.5 + secrets.randbelow(1000) / 1000))
            look = self._look(place, token, lease_s=self._lease_s, is_counted=False)
            if look is None or look.found != "misses" or look.has_lock or self._clock() >= ends_at_s:
                return look
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _look(self, place: _Place, token: str, *, lease_s: float, is_counted: bool = True) -> _Look | None:
        lease_ms = str(round(lease_s * 1000))
        args = (token, _REVISION_LIFE_MS, place.kind, lease_ms, "counted" if is_counted else "")
        answer = self._ask(place.kind, lambda: self._look_script(keys=place.keys, args=args), keys=place.keys)
        if answer is None:
            return None
        found, has_lock, revision, value, age_ms = answer
        return _Look(found.decode(), bool(has_lock), revision.decode(), value, age_ms / 1000)

    def _keep(self, place: _Place, token: str, *, revision: str, value: bytes, life: tuple[float, float]) -> None:
        ttl_s, stale_s = life
        is_kept = len(value) <= MAX_VALUE_BYTES
        fresh_ms = round(ttl_s * 1000) if is_kept else 0
        life_ms = min(round((ttl_s + stale_s) * 1000), MAX_LIFE_S * 1000) if is_kept else 0
        kept = value if is_kept else b""
        args: tuple[Argument, ...] = (token, _REVISION_LIFE_MS, place.kind, revision, kept, fresh_ms, life_ms)
        self._ask(place.kind, lambda: self._keep_script(keys=place.keys, args=args), keys=place.keys)

    def _ask(self, kind: str, ask: Callable[[], Any], *, keys: Sequence[str] = ()) -> Any:
        """None, counted, where Redis fails; after three failures in a row, or one that hung, it is left alone for a
        while. `keys`: thrown away where what they hold is not what the cache wrote; that is no failure of Redis.
        """
        if self._breaker.allow():
            began_s = time.monotonic()
            try:
                answer = self._ask_or_drop(ask, keys)
            except RedisError as error:
                if not self._breaker.is_open:
                    log.warning("cache_away", error=type(error).__name__)
                self._breaker.note_failure(time.monotonic() - began_s)
            else:
                self._breaker.note_success()
                if self._errors or self._owed:
                    self._settle()
                return answer
        with self._lock:
            self._errors[kind] += 1
        return None

    def _ask_or_drop(self, ask: Callable[[], Any], keys: Sequence[str]) -> Any:
        try:
            return ask()
        except ResponseError as error:
            if not keys or type(error) is not ResponseError:  # its kinds refuse us: no rights, no room, read-only
                raise
            log.warning("cache_entry_dropped", error=str(error)[:100])
            self._client.unlink(*keys)
            return ask()

    def _settle(self) -> None:
        """Tells Redis what it missed."""
        with self._lock:
            errors, self._errors, owed, self._owed = self._errors, Counter(), self._owed, set()
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for tenant_id, kind in owed:
                    pipeline.set(self._name("revision", tenant_id, kind), secrets.token_hex(8), px=_REVISION_LIFE_MS)
                for kind, count in errors.items():
                    pipeline.hincrby(self._name("statistics"), f"{kind}:errors", count)
                pipeline.execute()
        except RedisError as error:
            if type(error) is ResponseError:  # what is counted there is no count
                with suppress(RedisError):
                    self._client.unlink(self._name("statistics"))
            with self._lock:
                self._errors += errors
                self._owed |= owed

    def _place(self, kind: str, tenant_id: str, *, arguments: object) -> _Place:
        digest = digest_arguments(arguments)
        entry, revision, lock = (
            self._name("entry", tenant_id, kind, digest),
            self._name("revision", tenant_id, kind),
            self._name("lock", tenant_id, kind, digest),
        )
        return _Place(kind, (entry, revision, lock, self._name("statistics")))

    def _name(self, *parts: str) -> str:
        return ":".join((self._namespace, "answers", *parts))


def _name_field(rendering: str) -> str:
    return f"rendering:{rendering}" if rendering else "value"


def _read_counts(counted: Mapping[bytes, bytes]) -> dict[str, Statistics]:
    """Raises ValueError where something else than counts is in it."""
    kinds: dict[str, dict[str, int]] = {}
    for name, count in counted.items():
        kind, _, field = name.decode().partition(":")
        kinds.setdefault(kind, {})[field] = int(count)
    return {kind: msgspec.convert(fields, Statistics) for kind, fields in sorted(kinds.items())}


def digest_arguments(arguments: object) -> str:
    return hashlib.blake2b(msgspec.msgpack.encode(arguments, order="deterministic"), digest_size=16).hexdigest()


@cache
def find_cache(redis_url: str, namespace: str = "dazbox") -> Cache:
    """One of the process for each place."""
    return Cache(redis_url, namespace)
