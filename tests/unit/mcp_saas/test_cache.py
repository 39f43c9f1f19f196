"""Kept answers, over the real Valkey: made once, a tenant's own, old ones while new ones are made, none needed."""

import secrets
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
import redis
from django.conf import settings

from mcp_saas.kit.cache import BRIEF_TTL_S, MAX_VALUE_BYTES, REST_S, Brief, Cache, Cached, Statistics, Taken
from mcp_saas.kit.gcra import Quota, Toll
from tests.clock import Clock
from tests.faults.embedded_instance import eventually

KIND = "node_info"
ALICE, BOB = UUID(int=1), UUID(int=2)


@dataclass
class Maker:
    """Makes b"1", b"2" ... and counts."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def __call__(self) -> bytes:
        with self._lock:
            self.count += 1
            return str(self.count).encode()


def fail() -> bytes:
    raise LookupError("the other side is away")


@pytest.fixture
def namespace() -> str:
    return f"test-{secrets.token_hex(8)}"


@pytest.fixture
def cache(namespace: str) -> Cache:
    return Cache(settings.ENV.redis_url, namespace)


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def away() -> tuple[Cache, Clock]:
    """A cache whose Redis refuses connections, and the clock it rests by."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    clock = Clock()
    return Cache(f"redis://127.0.0.1:{port}/0", "test", clock=clock), clock


def get(cache: Cache, make: Callable[[], bytes], *, tenant: UUID = ALICE, **options: object) -> Cached:
    given: dict[str, object] = {"arguments": ("all",), "make": make}
    return cache.get_or_make(KIND, tenant, **(given | options))  # type: ignore[arg-type]


def count(cache: Cache) -> Statistics:
    counted = cache.read_statistics()
    assert counted is not None
    return counted[KIND]


def test_what_was_made_is_given_again(cache: Cache, maker: Maker) -> None:
    first, second = get(cache, maker), get(cache, maker)
    assert (first, maker.count) == (Cached(b"1", is_hit=False, is_stale=False, age_s=0.0), 1)
    assert (second.value, second.is_hit, second.is_stale) == (b"1", True, False)
    assert 0 <= second.age_s < 60


def test_arguments_kinds_and_tenants_are_kept_apart(cache: Cache, maker: Maker) -> None:
    for tenant in (ALICE, BOB):
        for kind in ("node_info", "amboss"):
            for arguments in (("a",), ("a", "b"), {"a": "b"}, None):
                assert not cache.get_or_make(kind, tenant, arguments=arguments, make=maker).is_hit
    assert maker.count == 16
    assert get(cache, maker, arguments={"a": "b"}).value == b"3"
    assert get(cache, maker, arguments={"a": "b"}, tenant=BOB).value == b"11"


def test_without_the_cache_it_is_made_and_kept_for_the_others(cache: Cache, maker: Maker) -> None:
    get(cache, maker)
    assert get(cache, maker, use_cache=False).value == b"2"
    assert (get(cache, maker).value, maker.count) == (b"2", 2)


def test_what_is_too_long_is_given_and_not_kept(cache: Cache, maker: Maker) -> None:
    long = bytes(MAX_VALUE_BYTES + 1)
    assert get(cache, lambda: long).value == long
    assert get(cache, maker).value == b"1"


def test_an_invalidated_kind_of_a_tenant_is_made_again_and_no_other(cache: Cache, maker: Maker) -> None:
    for tenant in (ALICE, BOB):
        for kind in ("node_info", "amboss"):
            cache.get_or_make(kind, tenant, arguments=None, make=maker)
    cache.invalidate(ALICE, "node_info", "recommendations")
    values = [
        cache.get_or_make(kind, tenant, arguments=None, make=maker).value
        for tenant in (ALICE, BOB)
        for kind in ("node_info", "amboss")
    ]
    assert values == [b"5", b"2", b"3", b"4"]


def test_what_was_begun_before_an_invalidation_does_not_outlive_it(cache: Cache, maker: Maker) -> None:
    def make_and_lose() -> bytes:
        cache.invalidate(ALICE, KIND)
        return b"of yesterday"

    assert get(cache, make_and_lose).value == b"of yesterday"
    assert get(cache, maker).value == b"1"


def test_a_hundred_misses_at_once_are_made_once(cache: Cache, maker: Maker) -> None:
    def make() -> bytes:
        assert eventually(lambda: count(cache).misses == 100, seconds=120)
        return maker()

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda _: get(cache, make), range(100)))
    assert {answer.value for answer in answers} == {b"1"}
    assert count(cache) == Statistics(misses=100, makes=1)
    assert sum(answer.is_hit for answer in answers) == 99


def test_a_stale_value_costs_one_caller_the_wait(cache: Cache, maker: Maker) -> None:
    get(cache, maker, ttl_s=0, stale_s=60)
    others: list[Cached] = []

    def make() -> bytes:
        others.extend(get(cache, maker, ttl_s=60) for _ in range(5))
        return b"new"

    assert get(cache, make, ttl_s=60).value == b"new"
    assert [(other.value, other.is_hit, other.is_stale) for other in others] == [(b"1", True, True)] * 5
    assert (get(cache, maker, ttl_s=60).value, maker.count) == (b"new", 1)


def test_an_old_value_stands_in_for_one_that_cannot_be_made(cache: Cache, maker: Maker) -> None:
    get(cache, maker, ttl_s=0, stale_s=60)
    assert [get(cache, fail).value for _ in range(3)] == [b"1"] * 3
    answer = get(cache, maker)
    assert (answer.value, answer.is_stale, maker.count) == (b"1", True, 1)  # nobody tries again at once


def test_after_its_time_there_is_no_old_value(cache: Cache, maker: Maker) -> None:
    get(cache, maker, ttl_s=0, stale_s=0)
    with pytest.raises(LookupError):
        get(cache, fail)
    assert get(cache, maker).value == b"2"


def test_who_could_not_make_it_leaves_the_lock_to_the_next(cache: Cache, maker: Maker) -> None:
    with pytest.raises(LookupError):
        get(cache, fail)
    assert get(cache, maker).value == b"1"


def test_statistics_are_those_of_all_caches_of_the_namespace(cache: Cache, namespace: str, maker: Maker) -> None:
    other = Cache(settings.ENV.redis_url, namespace)
    get(cache, maker)
    get(other, maker)
    get(other, maker, arguments="older", ttl_s=0, stale_s=60)
    get(other, maker, arguments="older")
    get(cache, maker, use_cache=False)
    expected = Statistics(hits=1, misses=2, stale=1, bypassed=1, makes=4)
    assert (count(cache), count(other)) == (expected, expected)


def test_without_redis_everybody_makes_his_own(away: tuple[Cache, Clock], maker: Maker) -> None:
    cache, _ = away
    assert [get(cache, maker) for _ in range(20)] == [
        Cached(str(number).encode(), is_hit=False, is_stale=False, age_s=0.0, is_away=True) for number in range(1, 21)
    ]
    assert cache.read_statistics() is None
    with pytest.raises(LookupError):
        get(cache, fail)


def test_when_redis_is_back_it_hears_of_errors_and_invalidations(
    cache: Cache, namespace: str, maker: Maker, away: tuple[Cache, Clock]
) -> None:
    get(cache, maker)
    clock = Clock()
    other = Cache(settings.ENV.redis_url, namespace, clock=clock)
    here, other._client.connection_pool = other._client.connection_pool, away[0]._client.connection_pool
    assert [get(other, maker).value for _ in range(9)] == [str(number).encode() for number in range(2, 11)]
    other.invalidate(ALICE, KIND)
    other._client.connection_pool = here
    assert get(cache, maker).value == b"1"  # nobody could tell the others
    clock.now_s += REST_S
    assert get(other, maker).is_hit  # which tells them
    assert get(cache, maker).value == b"11"
    assert count(cache).errors >= 9


def test_a_redis_that_refuses_to_write_is_as_good_as_none(cache: Cache, maker: Maker) -> None:
    client = redis.Redis.from_url(settings.ENV.redis_url)
    name = f"readonly-{uuid4().hex}"
    client.execute_command("ACL", "SETUSER", name, "on", "nopass", "~*", "+@read", "+auth", "+hello", "+client")
    try:
        pool = redis.ConnectionPool.from_url(settings.ENV.redis_url)
        pool.connection_kwargs |= {"username": name, "password": "x"}
        cache._client.connection_pool = pool
        assert [get(cache, maker).value for _ in range(4)] == [b"1", b"2", b"3", b"4"]
    finally:
        client.execute_command("ACL", "DELUSER", name)
        client.close()


def test_an_entry_that_the_cache_did_not_write_is_thrown_away_and_closes_nothing(
    cache: Cache, namespace: str, maker: Maker
) -> None:
    get(cache, maker)
    with redis.Redis.from_url(settings.ENV.redis_url) as client:
        for name in list(client.scan_iter(f"{namespace}:*")):
            client.delete(name)
            client.set(name, "no hash")
    assert [get(cache, maker).value for _ in range(3)] == [b"2"] * 3
    assert not cache._breaker.has_failed


def test_a_counter_that_is_no_number_is_no_data_and_counted_anew(cache: Cache, namespace: str, maker: Maker) -> None:
    get(cache, maker)
    with redis.Redis.from_url(settings.ENV.redis_url) as client:
        client.hset(f"{namespace}:answers:statistics", f"{KIND}:hits", "many")
    assert cache.read_statistics() is None
    assert get(cache, maker).is_hit
    assert count(cache).hits == 1


def test_a_redis_that_hangs_is_waited_for_once(maker: Maker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        cache = Cache(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", "test")
        assert [get(cache, maker).is_away for _ in range(5)] == [True] * 5
        cache.invalidate(ALICE, KIND)
        assert count_connections(silent) == 1


def count_connections(server: socket.socket) -> int:
    """That came and nobody took yet. Who was waited for in vain is connected to anew."""
    server.setblocking(False)
    taken = 0
    with suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            taken += 1
    return taken


@pytest.mark.parametrize(
    ("value", "ttl_s", "expected_s"), [(b"whole", 600, 600), (Brief(b"half"), 600, BRIEF_TTL_S), (Brief(b"half"), 1, 1)]
)
def test_what_is_brief_is_fresh_for_a_short_time(cache: Cache, value: bytes, ttl_s: float, expected_s: float) -> None:
    get(cache, lambda: value, ttl_s=ttl_s)
    place = cache._place(KIND, str(ALICE), arguments=("all",))
    made_at_ms, fresh_until_ms = cache._client.hmget(place.keys[0], "made_at_ms", "fresh_until_ms")
    assert int(fresh_until_ms) - int(made_at_ms) == expected_s * 1000


def test_whoever_peeks_sees_what_is_there_fresh_or_stale(cache: Cache, maker: Maker) -> None:
    def peek() -> tuple[bytes, bool] | None:
        found = cache.peek(KIND, ALICE, arguments=("all",))
        return (found.value, found.is_stale) if found else None

    assert peek() is None
    get(cache, maker)
    assert peek() == (b"1", False)
    get(cache, maker, ttl_s=0, stale_s=60, use_cache=False)
    before = count(cache)
    assert peek() == (b"2", True)
    assert count(cache) == before
    cache.invalidate(ALICE, KIND)
    assert peek() is None


def toll(counter: str, *, quota: int = 2) -> Toll:
    return Toll(Quota("default", quota, 3600), f"test:rate:{counter}")


def test_what_is_fresh_is_taken_for_a_toll(cache: Cache, maker: Maker) -> None:
    get(cache, maker)
    paid = toll(uuid4().hex)
    taken = [cache.take(KIND, ALICE, arguments=("all",), toll=paid) for _ in range(3)]
    assert taken[2] is None
    assert [one.cached.value for one in taken if one] == [b"1", b"1"]
    assert [one.verdict.remaining for one in taken if one] == [1, 0]
    assert (count(cache).hits, maker.count) == (2, 1)


def test_where_nothing_is_fresh_nothing_is_taken_and_nothing_counted(cache: Cache, maker: Maker) -> None:
    paid = toll(uuid4().hex)
    assert cache.take(KIND, ALICE, arguments=("all",), toll=paid) is None
    get(cache, maker)
    cache.invalidate(ALICE, KIND)
    assert cache.take(KIND, ALICE, arguments=("all",), toll=paid) is None
    assert cache.take(KIND, BOB, arguments=("all",), toll=paid) is None
    get(cache, maker, ttl_s=0, stale_s=60)
    assert cache.take(KIND, ALICE, arguments=("all",), toll=paid) is None
    before = count(cache)
    get(cache, maker, ttl_s=60, use_cache=False)
    taken = cache.take(KIND, ALICE, arguments=("all",), toll=paid)
    assert taken is not None
    assert (taken.verdict.remaining, count(cache).hits - before.hits) == (1, 1)


def test_a_rendering_is_taken_in_place_of_its_value_until_there_is_another_value(cache: Cache, maker: Maker) -> None:
    paid = toll(uuid4().hex, quota=100)

    def take(rendering: str) -> Taken:
        taken = cache.take(KIND, ALICE, arguments=("all",), toll=paid, rendering=rendering)
        assert taken is not None
        return taken

    def keep(rendering: str, content: bytes, *, of: Taken) -> None:
        cache.keep_rendering(KIND, ALICE, arguments=("all",), maker=of.maker, rendering=rendering, content=content)

    def tell(rendering: str) -> tuple[bytes, bool]:
        taken = take(rendering)
        return taken.cached.value, taken.is_rendering

    get(cache, maker)
    first = take("fr")
    keep("fr", b"un", of=first)
    assert [tell(name) for name in ("fr", "en", "")] == [(b"un", True), (b"1", False), (b"1", False)]
    get(cache, maker, use_cache=False)
    keep("en", b"one", of=first)  # too late
    assert [tell(name) for name in ("fr", "en", "")] == [(b"2", False)] * 3
    keep("fr", bytes(MAX_VALUE_BYTES + 1), of=take(""))
    assert tell("fr") == (b"2", False)
    assert get(cache, maker).value == b"2"


def test_without_redis_nothing_is_taken_until_it_is_back(away: tuple[Cache, Clock], cache: Cache) -> None:
    cache_away, _ = away
    paid = toll(uuid4().hex)
    assert [cache_away.take(KIND, ALICE, arguments=("all",), toll=paid) for _ in range(5)] == [None] * 5
    assert get(cache_away, lambda: b"made").is_away
