"""A tenant that floods at ten times its share at most doubles the others' waiting: simulated, the same at each run.

Before a server that answers as many calls at once as it is given, and before one that answers one after the other.
"""

import asyncio
import random
from uuid import UUID

import pytest

from bridge.gateway.queue import FairQueue
from bridge.gateway.refusal import Refusal
from tests.bridge.edge.virtual import run

TENANTS = 8  # one of whom floods; each has an equal share of the server
CALLS = 2500  # of the others, about
LOAD = 0.7  # of the server, while everybody keeps to his share
FLOODER = UUID(int=0)


async def simulate(*, places: int, flood: float, seed: int) -> tuple[list[float], int]:
    """Seconds the others' calls took, and how many of them were refused. A call takes the server 0.1 s on average."""
    loop = asyncio.get_running_loop()
    queue = FairQueue(places, 256, clock=loop.time)
    service, took_s, refused = random.Random(seed), list[float](), 0  # noqa: S311 - a simulation

    async def call(tenant: UUID) -> None:
        nonlocal refused
        began_s = loop.time()
        try:
            await queue.enter(tenant, deadline_s=30)
        except Refusal:
            refused += tenant != FLOODER
            return
        await asyncio.sleep(service.expovariate(10))
        queue.leave(tenant)
        if tenant != FLOODER:
            took_s.append(loop.time() - began_s)

    async def ask(number: int) -> None:
        chance = random.Random(seed * 100 + number)  # noqa: S311
        a_second = 10 * places * LOAD / TENANTS * (flood if number == 0 else 1.0)
        async with asyncio.TaskGroup() as calls:
            while loop.time() < ends_at_s:
                calls.create_task(call(UUID(int=number)))
                await asyncio.sleep(chance.expovariate(a_second))

    ends_at_s = loop.time() + CALLS / (10 * places * LOAD)
    async with asyncio.TaskGroup() as tenants:
        for number in range(TENANTS):
            tenants.create_task(ask(number))
    return took_s, refused


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


@pytest.mark.parametrize("places", [1, 4, 16])
def test_a_flood_at_most_doubles_the_p95_of_the_others(places: int) -> None:
    calm, _ = run(simulate(places=places, flood=1, seed=7))
    flooded, refused = run(simulate(places=places, flood=10, seed=7))
    assert len(flooded) == len(calm) > 1000
    assert refused == 0
    assert p95(flooded) <= 2 * p95(calm)


async def simulate_one_by_one(*, clients: int) -> list[float]:
    """Seconds the calls of a tenant with 16 clients took beside one with as many, or with more. A call takes the server
    0.1 s of its own, and it is given up to 64 of them.
    """
    loop = asyncio.get_running_loop()
    queue = FairQueue(64, 256, clock=loop.time)
    is_over, took_s, free_at_s = False, list[float](), 0.0

    async def serve() -> None:
        nonlocal free_at_s
        free_at_s = max(free_at_s, loop.time()) + 0.1
        await asyncio.sleep(free_at_s - loop.time())

    async def ask(tenant: UUID) -> None:
        while not is_over:
            began_s = loop.time()
            await queue.enter(tenant, deadline_s=1e6)
            await serve()
            queue.leave(tenant)
            if tenant != FLOODER:
                took_s.append(loop.time() - began_s)

    async with asyncio.TaskGroup() as group:
        for tenant in [UUID(int=1)] * 16 + [FLOODER] * clients:
            group.create_task(ask(tenant))
        await asyncio.sleep(CALLS / 10)
        is_over = True
    return took_s[len(took_s) // 2 :]


def test_nobody_stands_behind_a_flood_at_a_server_that_takes_one_call_after_the_other() -> None:
    calm = run(simulate_one_by_one(clients=16))
    flooded = run(simulate_one_by_one(clients=160))
    assert p95(flooded) <= 1.2 * p95(calm)
    assert len(flooded) >= 0.8 * len(calm)
