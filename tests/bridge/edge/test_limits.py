"""What is too large, too deep, too many or too often is refused before anything is done for it."""

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from bridge.gateway.door.caller import Caller
from bridge.gateway.limits import MAX_DEPTH, check_batch, check_shape, is_too_deep
from bridge.gateway.quota import DayCount, name_key
from bridge.gateway.rates import MAX_BUDGETS, MAX_SERVERS, Policy, Rates, weigh
from bridge.gateway.refusal import Refusal

NOON = 20_000 * 86_400 + 43_200.0


def caller_of(number: int = 1) -> Caller:
    return Caller("box", UUID(int=number), frozenset({"read"}), "", "", float("inf"))


def make(**policy: int) -> tuple[Rates, list[float]]:
    clock = [1000.0]
    return Rates(policy=Policy(**policy), clock=lambda: clock[0], today=lambda: NOON + clock[0] - 1000), clock


def test_a_minute_holds_so_many_calls_and_gives_room_again_steadily() -> None:
    rates, clock = make(a_minute=60)
    for left in range(59, -1, -1):
        headers = dict(rates.take(caller_of(), "home"))
        assert headers[b"ratelimit-policy"] == b'"mcp";q=60;w=60'
        assert headers[b"ratelimit"].startswith(b'"mcp";r=%d;' % left)
    with pytest.raises(Refusal) as refused:
        rates.take(caller_of(), "home")
    assert (refused.value.status, refused.value.retry_after_s) == (429, 2.0)
    rates.take(caller_of(2), "home")
    clock[0] += 1.01
    rates.take(caller_of(), "home")
    with pytest.raises(Refusal):
        rates.take(caller_of(), "home")


def test_one_server_does_not_use_up_the_others() -> None:
    rates, _ = make(a_minute_of_server=2)
    rates.take(caller_of(), "home")
    rates.take(caller_of(), "home")
    with pytest.raises(Refusal) as refused:
        rates.take(caller_of(), "home")
    assert dict(refused.value.headers)[b"ratelimit"].startswith(b'"mcp-server";r=0')
    rates.take(caller_of(), "files")


def test_a_large_body_counts_as_many_calls_and_may_still_be_sent() -> None:
    rates, _ = make(a_minute=60)
    assert weigh(100) == 1
    rates.take(caller_of(), "home", cost=weigh(6 << 20))
    with pytest.raises(Refusal):
        rates.take(caller_of(), "home")


def test_a_day_holds_so_many_calls_until_midnight() -> None:
    rates, clock = make(a_day=3)
    for _ in range(3):
        rates.take(caller_of(), "home")
    with pytest.raises(Refusal) as refused:
        rates.take(caller_of(), "home")
    assert refused.value.retry_after_s == 43_201
    clock[0] += 43_201
    rates.take(caller_of(), "home")


def test_what_is_known_of_tenants_is_bounded() -> None:
    rates, clock = make()
    for number in range(MAX_BUDGETS + 50):
        rates.take(caller_of(number), "home")
    assert len(rates.budgets) <= MAX_BUDGETS
    for number in range(MAX_SERVERS * 3):
        rates.take(caller_of(1), f"server-{number}")
        clock[0] += 0.1
    assert len(rates.budgets[UUID(int=1)].servers) <= MAX_SERVERS


def test_rates_are_scaled() -> None:
    assert Rates(0.5).policy == Policy(3_000, 1_500, 250_000)


def test_gateways_share_the_day(redis_url: str) -> None:
    async def main() -> None:
        async with Redis.from_url(redis_url) as redis:
            await redis.delete(name_key(20_000, UUID(int=1)))
            pairs = [make(a_day=10)[0] for _ in range(2)]
            counts = [DayCount(redis, rates, instance=str(number)) for number, rates in enumerate(pairs)]
            for rates in pairs:
                for _ in range(5):
                    rates.take(caller_of(), "home")
            for count in (*counts, *counts):
                await count.tell()
            await counts[0].tell()
            pairs[1].budgets[UUID(int=1)].is_new = True
            await counts[1].tell()
            with pytest.raises(Refusal):
                pairs[1].take(caller_of(), "home")
            assert pairs[1].budgets[UUID(int=1)].elsewhere == 5
            await redis.delete(name_key(20_000, UUID(int=1)))

    asyncio.run(main())


def test_while_redis_is_away_each_gateway_counts_its_own() -> None:
    async def main() -> None:
        rates, _ = make(a_day=2)
        async with Redis(host="127.0.0.1", port=1, retry=None) as redis:
            count = DayCount(redis, rates, instance="a")
            rates.take(caller_of(), "home")
            await count.tell()
            assert count.is_away
            rates.take(caller_of(), "home")
            with pytest.raises(Refusal):
                rates.take(caller_of(), "home")

    asyncio.run(main())


def test_an_array_of_calls_has_bounds() -> None:
    check_batch(100)
    for length in (0, 101):
        with pytest.raises(Refusal) as refused:
            check_batch(length)
        assert refused.value.status == 400


def nest(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@pytest.mark.parametrize(
    ("body", "is_deep"),
    [
        (nest(MAX_DEPTH), False),
        (nest(MAX_DEPTH + 1), True),
        (b'{"a":' * 65 + b"1" + b"}" * 65, True),
        (b'["' + b"[" * 1000 + b'"]', False),
        (b'["\\"' + b"[" * 1000 + b'\\\\"]', False),
        (b"[" + b"[]," * 5000 + b"[]]", False),
        (b'[[[["]]]]",' * 20 + b"1" + b"]]]]" * 20, True),  # closing brackets in strings close nothing
        (b"[" * 100, False),  # no JSON: for its reader to say
    ],
)
def test_depth_is_told_without_reading_the_text(body: bytes, is_deep: bool) -> None:
    assert is_too_deep(body) is is_deep
    if is_deep:
        with pytest.raises(Refusal):
            check_shape(body)


def measure(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((measure(item) for item in value.values()), default=0)
    return 1 + max((measure(item) for item in value), default=0) if isinstance(value, list) else 0


TEXTS = st.text(alphabet='[]{}"\\a\n', max_size=5)
VALUES = st.recursive(TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))


@given(VALUES, st.integers(50, 70))
def test_depth_is_what_a_parser_finds(value: Any, levels: int) -> None:
    for _ in range(levels):
        value = [value, "[" * 70]
    assert is_too_deep(json.dumps(value).encode()) is (measure(value) > MAX_DEPTH)
