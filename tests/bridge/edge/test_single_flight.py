"""Of identical calls at once one is made; nobody depends on another's patience."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bridge.gateway.refusal import Refusal
from bridge.gateway.single_flight import Flights
from bridge.sources.connection import ConnectionLost, RequestTimeout
from tests.bridge.edge.virtual import run

KEY = b"key"


class Upstream:
    """Answers after a second with how often it was asked, or with what it is told to."""

    def __init__(self, *ends: BaseException | None) -> None:
        self.asked, self.given_up, self._ends = 0, 0, list(ends)

    async def answer(self) -> int:
        self.asked += 1
        end = self._ends.pop(0) if self._ends else None
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        if end is not None:
            raise end
        return self.asked


def ask(flights: Flights[int], make: Callable[[], Awaitable[int]], timeout_s: float = 30) -> "asyncio.Task[int]":
    return asyncio.ensure_future(flights.run(KEY, make, timeout_s=timeout_s))


def test_followers_share_one_call_and_the_next_one_is_made_anew() -> None:
    async def main() -> None:
        flights, upstream = Flights[int](), Upstream()
        assert await asyncio.gather(*(ask(flights, upstream.answer) for _ in range(10))) == [1] * 10
        assert (upstream.asked, flights.shared, flights.under_way) == (1, 9, 0)
        assert await ask(flights, upstream.answer) == 2

    run(main())


def test_other_keys_fly_by_themselves() -> None:
    async def main() -> None:
        flights, upstream = Flights[int](), Upstream()
        await asyncio.gather(*(flights.run(bytes([key]), upstream.answer, timeout_s=9) for key in range(5)))
        assert upstream.asked == 5

    run(main())


@pytest.mark.parametrize("alone", [True, False])
def test_a_leader_who_goes_away_hands_the_call_over(alone: bool) -> None:
    async def main() -> None:
        flights, upstream = Flights[int](), Upstream()
        leader = ask(flights, upstream.answer)
        followers = [] if alone else [ask(flights, upstream.answer) for _ in range(3)]
        await asyncio.sleep(0.5)
        leader.cancel()
        assert await asyncio.gather(*followers) == ([] if alone else [2, 2, 2])
        with pytest.raises(asyncio.CancelledError):
            await leader
        assert (upstream.given_up, flights.under_way) == (1, 0)

    run(main())


@pytest.mark.parametrize("moment", ["before", "after"])
def test_one_who_was_to_lead_and_goes_away_hands_it_on(moment: str) -> None:
    async def main() -> None:
        flights, upstream = Flights[int](), Upstream()
        leader, second, third = (ask(flights, upstream.answer) for _ in range(3))
        await asyncio.sleep(0.5)
        if moment == "before":
            second.cancel()
        leader.cancel()
        asyncio.get_running_loop().call_soon(second.cancel)  # told to lead, and not yet at it
        assert await third == 2
        assert second.cancelled()
        assert flights.under_way == 0

    run(main())


def test_all_who_go_away_leave_nothing_behind() -> None:
    async def main() -> None:
        flights, upstream = Flights[int](), Upstream()
        tasks = [ask(flights, upstream.answer) for _ in range(5)]
        await asyncio.sleep(0.5)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks)
        assert flights.under_way == 0

    run(main())


def test_an_error_of_the_server_is_everybodys_and_not_kept() -> None:
    async def main() -> None:
        flights, upstream = Flights[int](), Upstream(ConnectionLost("it ended"))
        results = await asyncio.gather(*(ask(flights, upstream.answer) for _ in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [ConnectionLost] * 3
        assert await ask(flights, upstream.answer) == 2

    run(main())


@pytest.mark.parametrize("own", [RequestTimeout("his time"), Refusal("too-many", "his rate", status=429, code=1029)])
def test_what_ends_the_leader_alone_does_not_end_the_others(own: Exception) -> None:
    async def main() -> None:
        flights, upstream = Flights[int](), Upstream(own)
        results = await asyncio.gather(*(ask(flights, upstream.answer) for _ in range(3)), return_exceptions=True)
        assert results == [own, 2, 2]

    run(main())


def test_a_follower_waits_no_longer_than_he_said() -> None:
    async def main() -> None:
        flights, upstream = Flights[int](), Upstream()
        leader, follower = ask(flights, upstream.answer), ask(flights, upstream.answer, 0.3)
        with pytest.raises(RequestTimeout):
            await follower
        assert await leader == 1

    run(main())
