"""Tenants take turns; nobody's place is lost, nobody waits for what cannot come in time."""

import asyncio
from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.gateway.queue import FairQueue
from bridge.gateway.refusal import Refusal
from tests.bridge.edge.virtual import run

ALICE, BOB, CHARLIE = (UUID(int=number) for number in (1, 2, 3))


def make(limit: int, queued: int = 1000, **options: dict[UUID, float]) -> FairQueue:
    return FairQueue(limit, queued, clock=lambda: asyncio.get_running_loop().time(), **options)  # type: ignore[arg-type]


async def call(queue: FairQueue, tenant: UUID, *, takes_s: float, served: list[UUID] | None = None) -> None:
    await queue.enter(tenant, deadline_s=1e6)
    if served is not None:
        served.append(tenant)
    try:
        await asyncio.sleep(takes_s)
    finally:
        queue.leave(tenant)


def is_clean(queue: FairQueue) -> bool:
    """Nothing is left behind."""
    return not (queue.in_flight or queue.waiting or queue._held or queue._lanes or queue._heap or queue._ends)


def test_with_room_nobody_waits() -> None:
    async def main() -> FairQueue:
        queue = make(2)
        await queue.enter(ALICE, deadline_s=0)
        await queue.enter(BOB, deadline_s=0)
        queue.leave(ALICE)
        queue.leave(BOB)
        return queue

    assert is_clean(run(main()))


def test_tenants_take_turns_however_much_one_asks() -> None:
    async def main() -> list[UUID]:
        queue, served = make(1), list[UUID]()
        async with asyncio.TaskGroup() as group:
            for tenant in [ALICE] * 50 + [BOB] * 5:
                group.create_task(call(queue, tenant, takes_s=1, served=served))
        assert is_clean(queue)
        return served

    served = run(main())
    assert served[:11].count(BOB) >= 4
    assert Counter(served) == {ALICE: 50, BOB: 5}


def test_weights_are_shares() -> None:
    async def main() -> list[UUID]:
        queue, served = make(1, weights={ALICE: 3.0}), list[UUID]()
        async with asyncio.TaskGroup() as group:
            for tenant in [ALICE, BOB] * 100:
                group.create_task(call(queue, tenant, takes_s=1, served=served))
        return served

    assert Counter(run(main())[:80])[ALICE] == pytest.approx(60, abs=2)


def test_a_tenants_own_calls_go_by_priority_then_in_order() -> None:
    async def main() -> list[str]:
        queue, served = make(1), list[str]()

        async def ask(name: str, priority: int) -> None:
            await queue.enter(ALICE, priority=priority, deadline_s=100)
            served.append(name)
            await asyncio.sleep(1)
            queue.leave(ALICE)

        async with asyncio.TaskGroup() as group:
            for name, priority in [
                ("first", 0),
                ("a", 0),
                ("b", 0),
                ("urgent", -5),
                ("urgent too", -5),
                ("most", -99),
                ("no haste", 3),
            ]:
                group.create_task(ask(name, priority))
        return served

    assert run(main()) == ["first", "most", "urgent", "urgent too", "a", "b", "no haste"]


def test_priority_does_not_go_before_other_tenants() -> None:
    async def main() -> list[UUID]:
        queue, served = make(1), list[UUID]()

        async def ask(tenant: UUID, priority: int) -> None:
            await queue.enter(tenant, priority=priority, deadline_s=100)
            served.append(tenant)
            await asyncio.sleep(1)
            queue.leave(tenant)

        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(ask(ALICE, -9))
            for _ in range(3):
                group.create_task(ask(BOB, 0))
        return served

    assert run(main())[:8].count(BOB) == 3


def test_an_eighth_of_the_places_is_kept_from_a_flood() -> None:
    async def main() -> tuple[int, int]:
        queue = make(16)
        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                group.create_task(call(queue, ALICE, takes_s=60))
            await asyncio.sleep(1)
            held = queue.in_flight
            await queue.enter(BOB, deadline_s=0)
            inside = queue.in_flight
            queue.leave(BOB)
        assert is_clean(queue)
        return held, inside

    assert run(main()) == (14, 15)


def test_of_tenants_who_wait_none_holds_more_than_its_part_of_the_places() -> None:
    """Bob's calls are few; those of Alice that wait would else be before them at the server."""

    async def main() -> tuple[list[int], int]:
        queue, held = make(16), list[int]()

        async def flood() -> None:
            while len(held) < 200:
                await call(queue, ALICE, takes_s=1)

        async def look() -> None:
            for _ in range(200):
                await call(queue, BOB, takes_s=1)
                held.append(queue.count(ALICE)[0])

        async with asyncio.TaskGroup() as group:
            for _ in range(160):
                group.create_task(flood())
            group.create_task(look())
        return held[100:], queue.in_flight

    held, left = run(main())
    assert max(held) <= 9
    assert left == 0


@pytest.mark.parametrize(("bob_asks", "alice_holds"), [(1, 4), (6, 6), (20, 8)])
def test_whose_calls_wait_holds_as_many_places_as_others_do_or_a_quarter_if_they_hold_fewer(
    bob_asks: int, alice_holds: int
) -> None:
    """Bob's calls do not wait, until they are more than his part of the places."""

    async def main() -> tuple[set[int], float]:
        queue, held, over = make(16), list[int](), asyncio.Event()
        waits_s = list[float]()
        loop = asyncio.get_running_loop()

        async def ask(tenant: UUID) -> None:
            while not over.is_set():
                began_s = loop.time()
                await queue.enter(tenant, deadline_s=1e6)
                if tenant == BOB:
                    waits_s.append(loop.time() - began_s)
                    held.append(queue.count(ALICE)[0])
                await asyncio.sleep(1)
                queue.leave(tenant)

        async with asyncio.TaskGroup() as group:
            for _ in range(160):
                group.create_task(ask(ALICE))
            for _ in range(bob_asks):
                group.create_task(ask(BOB))
            await asyncio.sleep(200)
            over.set()
        assert is_clean(queue)
        return set(held[len(held) // 2 :]), max(waits_s[len(waits_s) // 2 :])

    held, waited_s = run(main())
    assert max(held) == alice_holds
    assert (waited_s == 0) == (bob_asks <= 8)


def test_a_tenant_that_is_alone_again_gets_its_places_back() -> None:
    async def main() -> int:
        queue = make(16)
        async with asyncio.TaskGroup() as group:
            for _ in range(500):
                group.create_task(call(queue, ALICE, takes_s=1))
            for _ in range(20):
                group.create_task(call(queue, BOB, takes_s=1))
            await asyncio.sleep(30.5)
            return queue.in_flight

    assert run(main()) == 14


def test_a_full_queue_refuses_whoever_fills_it_and_lets_others_in() -> None:
    async def main() -> tuple[list[UUID], Counter[UUID]]:
        queue, served, refused = make(1, 10), list[UUID](), Counter[UUID]()

        async def ask(tenant: UUID) -> None:
            try:
                await call(queue, tenant, takes_s=1, served=served)
            except Refusal as refusal:
                refused[tenant] += refusal.status == 429 and refusal.retry_after_s is not None

        async with asyncio.TaskGroup() as group:
            for tenant in [ALICE] * 100 + [BOB] * 3:
                group.create_task(ask(tenant))
        assert is_clean(queue)
        return served, refused

    served, refused = run(main())
    assert served.count(BOB) == 3
    assert refused == {ALICE: 100 + 3 - 3 - served.count(ALICE)}


def test_who_cannot_be_served_in_time_is_told_at_once() -> None:
    async def main() -> tuple[float, float | None]:
        queue, loop = make(1), asyncio.get_running_loop()
        tasks = [asyncio.ensure_future(call(queue, ALICE, takes_s=1)) for _ in range(30)]
        await asyncio.sleep(10.5)  # the rate is known: one a second
        began_s = loop.time()
        with pytest.raises(Refusal) as refused:
            await queue.enter(ALICE, deadline_s=5)
        took_s = loop.time() - began_s
        await queue.enter(BOB, deadline_s=5)  # his turn comes in the next round
        queue.leave(BOB)
        await asyncio.gather(*tasks)
        return took_s, refused.value.retry_after_s

    took_s, retry_after_s = run(main())
    assert took_s == 0
    assert retry_after_s == pytest.approx(20, abs=2)


def test_who_waited_his_time_is_refused_and_leaves_nothing_behind() -> None:
    async def main() -> FairQueue:
        queue = make(1)
        await queue.enter(ALICE, deadline_s=0)
        with pytest.raises(Refusal, match="Try again"):
            await queue.enter(BOB, deadline_s=3)
        queue.leave(ALICE)
        return queue

    assert is_clean(run(main()))


def test_a_place_given_to_one_who_went_away_goes_to_the_next() -> None:
    """Cancelled in the very moment in which the place is handed over, and in the one before."""

    async def main() -> FairQueue:
        queue, served = make(1), list[UUID]()
        for is_after in (False, True):
            await queue.enter(ALICE, deadline_s=0)
            gone = asyncio.ensure_future(call(queue, BOB, takes_s=1, served=served))
            next_one = asyncio.ensure_future(call(queue, CHARLIE, takes_s=1, served=served))
            await asyncio.sleep(1)
            if is_after:
                queue.leave(ALICE)
                gone.cancel()
            else:
                gone.cancel()
                queue.leave(ALICE)
            await next_one
            assert gone.cancelled()
        assert served == [CHARLIE, CHARLIE]
        return queue

    assert is_clean(run(main()))


def test_fewer_places_send_nobody_away_and_more_let_those_in_who_wait() -> None:
    async def main() -> list[int]:
        queue, seen = make(4), list[int]()
        async with asyncio.TaskGroup() as group:
            for _ in range(12):
                group.create_task(call(queue, ALICE, takes_s=10))
            await asyncio.sleep(1)
            for limit in (2, 6):
                queue.resize(limit, 100)
                await asyncio.sleep(0)
                seen.append(queue.in_flight)
        assert is_clean(queue)
        return seen

    assert run(main()) == [4, 6]


def assert_bounds(queue: FairQueue, *, most: int) -> None:
    """`most`: the largest limit there was."""
    assert queue.waiting <= queue.queued
    assert queue.waiting == sum(lane.length for lane in queue._lanes.values())
    assert queue.in_flight == sum(queue._held.values()) <= most
    is_free = queue.in_flight < queue.limit
    most_of_one = min(queue._most, queue._seats)
    assert not (is_free and any(queue._held.get(tenant.int, 0) < most_of_one for tenant in queue._lanes))


STEP = st.tuples(
    st.sampled_from(["ask", "ask", "ask", "cancel", "end", "wait", "resize"]),
    st.integers(0, 5),
    st.integers(-9, 9),
    st.floats(0.01, 20),
)


@settings(max_examples=150)
@given(limit=st.integers(1, 10), queued=st.integers(0, 8), steps=st.lists(STEP, max_size=60))
def test_no_place_is_lost_and_no_bound_is_passed_whatever_happens(
    limit: int, queued: int, steps: list[tuple[str, int, int, float]]
) -> None:
    async def main() -> FairQueue:
        queue, tasks = make(limit, queued), list[asyncio.Task[None]]()
        done, most = asyncio.Event(), limit

        async def ask(tenant: UUID, priority: int, deadline_s: float) -> None:
            await queue.enter(tenant, priority=priority, deadline_s=deadline_s)
            try:
                await asyncio.wait_for(done.wait(), deadline_s)
            except TimeoutError:
                pass
            finally:
                queue.leave(tenant)

        for what, number, priority, seconds in steps:
            if what == "ask":
                tasks.append(asyncio.ensure_future(ask(UUID(int=number), priority, seconds)))
            elif what == "cancel" and tasks:
                tasks[number % len(tasks)].cancel()
            elif what == "resize":
                queue.resize(number + 1, queued)
                most = max(most, number + 1)
            await asyncio.sleep(seconds if what == "wait" else 0)
            assert_bounds(queue, most=most)
        done.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(result is None or isinstance(result, Refusal | asyncio.CancelledError) for result in results)
        return queue

    assert is_clean(run(main()))


@settings(max_examples=60)
@given(
    limit=st.integers(1, 6),
    loads=st.lists(st.integers(1, 40), min_size=2, max_size=6),
    weights=st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=6, max_size=6),
)
def test_of_tenants_who_wait_nobody_gets_further_ahead_than_a_call(
    limit: int, loads: list[int], weights: list[float]
) -> None:
    """While two tenants both wait, what they got, each by its weight, differs by no more than a call of each and the
    places it had before the others came.
    """

    async def main() -> list[UUID]:
        share = {UUID(int=number): weights[number] for number in range(6)}
        queue, served = make(limit, weights=share), list[UUID]()
        async with asyncio.TaskGroup() as group:
            for number, load in enumerate(loads):
                for _ in range(load):
                    group.create_task(call(queue, UUID(int=number), takes_s=1, served=served))
        return served

    served = run(main())[limit:]
    left = Counter(served)
    got = Counter[UUID]()
    for tenant in served:
        got[tenant] += 1
        waiting = [other for other in left if got[other] < left[other]]
        norm = [got[other] / weights[other.int] for other in waiting]
        if len(norm) > 1:
            slack = max(1 / weights[other.int] for other in waiting)
            assert max(norm) - min(norm) <= 2 * slack + 1e-9
