"""The calls of one tenant that wait for one server: by priority, then in the order they came."""

import asyncio
import itertools
from collections.abc import Iterator
from uuid import UUID

PRIORITIES = range(-10, 11)  # the smaller, the sooner; others are taken for the nearest


class Waiter:
    """`place`: done once the call may begin, or failed with why it may not. `until_s`: of the loop's clock."""

    __slots__ = ("lane", "place", "priority", "until_s")

    def __init__(self, lane: "Lane", priority: int, place: "asyncio.Future[None]", *, until_s: float) -> None:
        self.lane, self.place, self.until_s = lane, place, until_s
        self.priority = min(max(priority, PRIORITIES.start), PRIORITIES.stop - 1)


class Lane:
    """`start`: the virtual time at which its next call begins; `is_listed`: among those whose turn may come."""

    __slots__ = ("_waiters", "is_listed", "length", "share", "start", "tenant")

    def __init__(self, tenant: UUID, *, start: float, share: float) -> None:
        self.tenant, self.start, self.share = tenant, start, share
        self.is_listed = False
        self.length = 0
        self._waiters: dict[int, dict[Waiter, None]] = {}

    def __iter__(self) -> Iterator[Waiter]:
        return itertools.chain.from_iterable(self._waiters.values())

    def add(self, waiter: Waiter) -> None:
        self._waiters.setdefault(waiter.priority, {})[waiter] = None
        self.length += 1

    def remove(self, waiter: Waiter) -> bool:
        """Whether it was there."""
        row = self._waiters.get(waiter.priority)
        if row is None or waiter not in row:
            return False
        del row[waiter]
        if not row:
            del self._waiters[waiter.priority]
        self.length -= 1
        return True

    def first(self) -> Waiter:
        return next(iter(self._waiters[min(self._waiters)]))

    def last(self) -> Waiter:
        """The one whose turn is furthest away."""
        return next(reversed(self._waiters[max(self._waiters)]))

    def count_before(self, priority: int) -> int:
        """How many of the tenant's own go before one that comes now."""
        return sum(len(row) for other, row in self._waiters.items() if other <= priority)
