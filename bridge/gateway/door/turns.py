"""Turns at the issuer of API keys: a flood of made-up ones delays nobody whose key was good before, nor, for long,
those who come from elsewhere.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bridge.gateway.refusal import CODES, Refusal

AT_ONCE: Final = 16  # of keys that were good before, and as many of the others
OF_ADDRESS, MOST_OF_ADDRESS = 4, 64  # at once, and with those that wait
COME_AGAIN_S: Final = 5.0


class _Address:
    __slots__ = ("turns", "waiting")

    def __init__(self) -> None:
        self.turns, self.waiting = asyncio.Semaphore(OF_ADDRESS), 0


class Turns:
    """Behind a proxy all callers are of one address."""

    def __init__(self) -> None:
        self._known, self._strangers = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE)
        self._addresses: dict[str, _Address] = {}  # of strangers who wait now

    @asynccontextmanager
    async def take(self, address: str, *, is_known: bool) -> AsyncIterator[None]:
        """Raises Refusal 429 where too many keys nobody knows wait for one address."""
        if is_known:
            async with self._known:
                yield
            return
        place = self._addresses.setdefault(address, _Address())
        if place.waiting >= MOST_OF_ADDRESS:
            raise refuse_more()
        place.waiting += 1
        try:
            async with place.turns, self._strangers:
                yield
        finally:
            place.waiting -= 1
            if not place.waiting:
                del self._addresses[address]


def refuse_more() -> Refusal:
    return Refusal(
        "too-many",
        f"{MOST_OF_ADDRESS} API keys from your address are being looked at: try again in {COME_AGAIN_S:g} s.",
        status=429,
        code=CODES["too-many"],
        retry_after_s=COME_AGAIN_S,
    )
