"""Identical calls that are under way at once are made once, and all who wait get the one answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from bridge.sources.connection import RequestTimeout

V = TypeVar("V")


class Flights(Generic[V]):
    """The first caller (the leader) makes the call, the others follow. A leader who is cancelled, or whose own time is
    over, hands the call to a follower, who makes it again: so only what may be made twice belongs here.
    """

    def __init__(self) -> None:
        self._followers: dict[bytes, list[asyncio.Future[V | None]]] = {}
        self.shared = 0  # calls that were answered by another's

    async def run(self, key: bytes, make: Callable[[], Awaitable[V]], *, timeout_s: float) -> V:
        """What `make` returns or raises, for all. A follower waits `timeout_s` at most, then RequestTimeout."""
        while key in self._followers:
            answer = await self._follow(key, timeout_s=timeout_s)
            if answer is not None:
                self.shared += 1
                return answer
        return await self._lead(key, make)

    async def _lead(self, key: bytes, make: Callable[[], Awaitable[V]]) -> V:
        followers: list[asyncio.Future[V | None]] = []
        self._followers[key] = followers
        try:
            answer = await make()
        except (asyncio.CancelledError, RequestTimeout):
            del self._followers[key]
            self._wake(followers, None)
            raise
        except BaseException as error:
            del self._followers[key]
            for follower in followers:
                if not follower.done():
                    follower.set_exception(error)
            raise
        del self._followers[key]
        self._wake(followers, answer)
        return answer

    async def _follow(self, key: bytes, *, timeout_s: float) -> V | None:
        """None: there is no leader any more."""
        loop = asyncio.get_running_loop()
        follower: asyncio.Future[V | None] = loop.create_future()
        followers = self._followers[key]
        followers.append(follower)
        timer = loop.call_later(timeout_s, self._give_up, follower)
        try:
            return await follower
        finally:
            timer.cancel()
            if follower in followers:
                followers.remove(follower)

    @staticmethod
    def _wake(followers: list[asyncio.Future[V | None]], answer: V | None) -> None:
        for follower in followers:
            if not follower.done():
                follower.set_result(answer)

    @staticmethod
    def _give_up(follower: "asyncio.Future[V | None]") -> None:
        if not follower.done():
            follower.set_exception(RequestTimeout("no answer within the time"))
