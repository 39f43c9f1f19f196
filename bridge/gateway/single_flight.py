"""Identical calls that are under way at once are made once, and all who wait get the one answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from bridge.gateway.refusal import Refusal
from bridge.sources.connection import RequestTimeout

V = TypeVar("V")
Outcome = asyncio.Future[tuple[V] | None]  # the answer; None: there is none, and who waits may lead
OWN = (asyncio.CancelledError, RequestTimeout, Refusal)  # ends that are the leader's alone


class Flights(Generic[V]):
    """The first caller (the leader) makes the call, the others follow. A leader who is cancelled, refused, or whose own
    time is over hands the call to the next, who makes it again: so only what may be made twice belongs here. An error
    of the server is everybody's, and nobody's once the flight is over.
    """

    def __init__(self) -> None:
        self._followers: dict[bytes, dict[Outcome[V], None]] = {}
        self.shared = 0  # calls that were answered by another's

    @property
    def under_way(self) -> int:
        return len(self._followers)

    async def run(self, key: bytes, make: Callable[[], Awaitable[V]], *, timeout_s: float) -> V:
        """What `make` returns or raises, for all. A follower waits `timeout_s` at most, then RequestTimeout."""
        if key in self._followers:
            answer = await self._follow(key, timeout_s=timeout_s)
            if answer is not None:
                self.shared += 1
                return answer[0]
        else:
            self._followers[key] = {}
        return await self._lead(key, make)

    async def _lead(self, key: bytes, make: Callable[[], Awaitable[V]]) -> V:
        try:
            answer = await make()
        except OWN:
            self._hand_over(key)
            raise
        except BaseException as error:
            for outcome in self._end(key):
                outcome.set_exception(error)
            raise
        for outcome in self._end(key):
            outcome.set_result((answer,))
        return answer

    async def _follow(self, key: bytes, *, timeout_s: float) -> tuple[V] | None:
        """None: the follower leads now."""
        loop = asyncio.get_running_loop()
        outcome: Outcome[V] = loop.create_future()
        self._followers[key][outcome] = None
        timer = loop.call_later(timeout_s, give_up, outcome)
        try:
            return await outcome
        except asyncio.CancelledError:
            if not outcome.cancelled() and outcome.exception() is None and outcome.result() is None:
                self._hand_over(key)  # he was to lead, and is not there any more
            raise
        finally:
            timer.cancel()
            self._followers.get(key, {}).pop(outcome, None)

    def _hand_over(self, key: bytes) -> None:
        """To the first who still waits."""
        followers = self._followers[key]
        while followers:
            outcome = next(iter(followers))
            del followers[outcome]
            if not outcome.done():
                outcome.set_result(None)
                return
        del self._followers[key]

    def _end(self, key: bytes) -> list[Outcome[V]]:
        """Those who still wait."""
        return [outcome for outcome in self._followers.pop(key) if not outcome.done()]


def give_up(outcome: "asyncio.Future[tuple[V] | None]") -> None:
    if not outcome.done():
        outcome.set_exception(RequestTimeout("There was no answer within the time."))
