"""Connections that are made for one session each: no tenant holds them all."""

import asyncio
from uuid import UUID

import pytest

from bridge.engine.server import Pool, Server, Stdio
from bridge.gateway.fleet.upstream import COME_AGAIN_S, MOST_OF_TENANT, TooManyConnections, Upstream
from bridge.gateway.http import retry_headers, to_refusal
from bridge.sources.connection import Connection, ConnectionLost

GREEDY, OTHER = UUID(int=1), UUID(int=2)


async def never(*_: object) -> Connection:
    raise ConnectionLost("nothing is started here")


async def nothing(*_: object) -> None:
    return None


def make_upstream() -> Upstream:
    server = Server("one", Stdio("one"), pool=Pool("per_session"))
    return Upstream(server, never, on_ready=nothing, on_notice=lambda *_: None, on_life=lambda *_: None)


def test_a_tenant_whose_part_is_busy_is_told_when_to_come_again_and_others_get_theirs() -> None:
    upstream = make_upstream()
    for number in range(MOST_OF_TENANT):
        upstream.choose(tenant=GREEDY, session=f"busy {number}").in_flight += 1
    with pytest.raises(TooManyConnections, match="end a session") as refused:
        upstream.choose(tenant=GREEDY, session="one more")
    refusal = to_refusal(refused.value)
    assert (refusal.status, refusal.kind) == (429, "too-many")
    assert retry_headers(refusal) == ((b"retry-after", b"%d" % COME_AGAIN_S),)
    assert upstream.choose(tenant=OTHER, session="its first").tenant == OTHER
    assert upstream.choose(tenant=GREEDY, session="busy 0").in_flight == 1


def test_a_tenant_that_has_its_part_gives_up_what_it_rested_with_longest_and_nobody_elses() -> None:
    async def scenario() -> None:
        upstream = make_upstream()
        upstream.choose(tenant=OTHER, session="the oldest of all")
        for number in range(MOST_OF_TENANT + 1):
            upstream.choose(tenant=GREEDY, session=str(number))
        assert set(upstream.slots) == {"the oldest of all", *map(str, range(1, MOST_OF_TENANT + 1))}

    asyncio.run(scenario())
