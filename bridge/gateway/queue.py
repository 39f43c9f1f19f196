"""Who calls next: tenants take turns by their weights, and a tenant's own calls go by priority, then in order.

Start-time fair queueing (Goyal, Vin, Cheng 1996): each call of a tenant begins, in virtual time, where its last one
ended, and the one that begins first is next. A tenant that floods waits behind itself.
"""

import asyncio
import heapq
import math
import time
from collections.abc import Callable, Mapping
from uuid import UUID

from bridge.gateway.lane import Lane, Waiter
from bridge.gateway.refusal import CODES, Refusal

RESERVE = 8  # an eighth of the places is kept from a tenant that holds all the others
GROWTH = 16  # calls that end before a tenant, alone again, may hold a place more
QUARTER = 4  # of the places a tenant whose calls wait may hold, however few the others do
WINDOW = 32  # calls that end before that bound is looked at again
STEP = 2  # places it grows by at most
LOOK_S = 0.05  # how late one may be told that its time is over
MEASURED = 4  # calls that end make one measurement of the rate, or as many as end in a second


class FairQueue:
    """`limit` calls at once, `queued` that wait. While there is room a call costs two entries of a dict: no task, no
    future, no clock.
    """

    def __init__(
        self,
        limit: int,
        queued: int,
        *,
        weights: Mapping[UUID, float] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._weights, self._clock = weights or {}, clock
        self._held: dict[int, int] = {}  # places by the tenant's number, which is hashed in C
        self._lanes: dict[UUID, Lane] = {}  # of tenants with calls that wait, no others
        self._ends: dict[UUID, float] = {}  # where the last call of a lane that is empty now ended
        self._heap: list[tuple[float, int, Lane]] = []
        self._virtual, self._order = 0.0, 0
        self._interval_s: float | None = None  # between two calls that end while others wait
        self._since_s, self._ended = 0.0, 0  # of the measurement under way
        self._is_looking = False
        self._widest = self._seen = 0  # of this window: most places of one whose calls need not wait; calls that ended
        self.in_flight = self.waiting = self.refused = 0
        self.resize(limit, queued)

    def resize(self, limit: int, queued: int) -> None:
        """Fewer places: nobody is sent away, the next ones wait. More: those who wait come in."""
        self.limit, self.queued = limit, queued
        self._alone = limit - limit // RESERVE
        self._quarter = -(-limit // QUARTER)
        self._seats = self._alone
        self._allow(self._alone)
        self._admit()

    async def enter(self, tenant: UUID, *, priority: int = 0, deadline_s: float) -> None:
        """Returns with a place, given back by `leave`. `priority`: the smaller, the sooner, among the tenant's own.
        `deadline_s`: seconds it may wait for it.

        Raises Refusal at once when the queue is full or the time will not do, else when it is over.
        """
        if not self.take(tenant):
            await self.wait(tenant, priority=priority, deadline_s=deadline_s)

    def take(self, tenant: UUID) -> bool:
        """Whether there was a place at once; whoever gets none waits for it by `wait`."""
        number = tenant.int
        held = self._held.get(number, 0)
        if self.in_flight >= self.limit or held >= self._most or (self.waiting and tenant in self._lanes):
            return False
        self.in_flight += 1
        self._held[number] = held + 1
        return True

    def leave(self, tenant: UUID) -> None:
        if self.waiting and self._hand_on(tenant):
            return
        self.in_flight -= 1
        number = tenant.int
        held = self._held[number] - 1
        if held:
            self._held[number] = held
        else:
            del self._held[number]
        if not self.waiting:
            self._since_s, self._most, self._seats = 0.0, self._alone, self._alone
            return
        self._measure()
        self._part()
        lane = self._lanes.get(tenant)
        if lane is not None:
            self._list(lane)
        elif held >= self._widest:
            self._widest = held + 1
        self._match()
        self._admit()

    def _hand_on(self, tenant: UUID) -> bool:
        """Whether the place went straight to the tenant's own next call, as it does while nobody else is there."""
        lane = self._lanes.get(tenant)
        if lane is None or lane.is_listed or not len(self._lanes) == len(self._held) == 1:
            return False
        if not self._most == self._seats == self._alone or self.in_flight > self._alone:
            return False
        self._measure()
        return self._seat(lane)

    def _part(self) -> None:
        """While calls wait, each of the tenants that are there holds its part of the places and no more: a server that
        takes one call after the other would serve the one first who has most of them there. Shrinks at once, grows
        slowly, so that one who calls now and then finds the others as they were. Where tenants weigh differently turns
        alone decide.
        """
        if self._weights:
            return
        most = -(-self.limit // len(self._held)) if len(self._held) > 1 else self._alone
        if most < self._most:
            self._most, self._grown = most, 0
        elif most > self._most:
            self._grown += 1
            if self._grown >= GROWTH:
                self._allow(self._most + 1)

    def _match(self) -> None:
        """A tenant whose calls wait holds no more places than the one who holds most of those whose calls need not: a
        busy server is shared as the calls in it are, so a flood would get more of it than its neighbours, and they
        would stand behind it there. A quarter of the places is left to it, for servers that answer many at once.
        """
        self._seen += 1
        if self._seen < WINDOW or self._weights:
            return
        seats = max(self._widest, self._quarter) if self._widest else self._alone
        self._widest = self._seen = 0
        was, self._seats = self._seats, min(seats, self._seats + STEP)
        if self._seats > was:
            self._relist()

    def _allow(self, most: int) -> None:
        """More places for each tenant."""
        self._most, self._grown = most, 0
        self._relist()

    def _relist(self) -> None:
        """Those who hold as many as they might take turns again."""
        for lane in self._lanes.values():
            self._list(lane)

    def count(self, tenant: UUID) -> tuple[int, int]:
        """Its calls under way, and those that wait."""
        lane = self._lanes.get(tenant)
        return self._held.get(tenant.int, 0), lane.length if lane is not None else 0

    @property
    def wait_s(self) -> float | None:
        """How long one more call of a new tenant would wait, as things go; None: nothing is known."""
        return None if self._interval_s is None else self._interval_s * (len(self._lanes) + 1)

    async def wait(self, tenant: UUID, *, priority: int = 0, deadline_s: float) -> None:
        """As `enter`, for one whom `take` gave no place."""
        if not self._is_soon(deadline_s):
            self._check(tenant, priority=priority, deadline_s=deadline_s)
        loop = asyncio.get_running_loop()
        waiter = Waiter(self._find_lane(tenant), priority, loop.create_future(), until_s=loop.time() + deadline_s)
        waiter.lane.add(waiter)
        self.waiting += 1
        self._list(waiter.lane)
        if not self._is_looking:
            self._is_looking = True
            loop.call_later(LOOK_S, self._look, loop)
        try:
            await waiter.place
        except asyncio.CancelledError:
            if waiter.place.cancelled():
                self._remove(waiter)
            elif waiter.place.exception() is None:
                self.leave(tenant)  # the place was given, and nobody is there to take it
            raise

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """One timer for all who wait: whose time is over is refused."""
        now_s = loop.time()
        for waiter in [one for lane in self._lanes.values() for one in lane if one.until_s <= now_s]:
            self._refuse(waiter)
        self._is_looking = self.waiting > 0
        if self._is_looking:
            loop.call_later(LOOK_S, self._look, loop)

    def _is_soon(self, deadline_s: float) -> bool:
        """Whether there is room to wait, and even the last of all who do has its turn in time."""
        if self.waiting >= self.queued:
            return False
        return self._interval_s is None or (self.waiting + 1) * self._interval_s <= deadline_s

    def _check(self, tenant: UUID, *, priority: int, deadline_s: float) -> None:
        """Raises Refusal for a call that cannot be made in time. A full queue makes room for a tenant that has less
        than its share of it: the last of the longest lane goes.
        """
        lane = self._lanes.get(tenant)
        wait_s = self._foresee(lane, priority)
        if wait_s is not None and wait_s > deadline_s:
            raise self._refusal(wait_s)
        if self.waiting < self.queued:
            return
        own = lane.length if lane else 0
        if own * len(self._lanes) >= self.waiting:
            raise self._refusal(wait_s)
        longest = max(self._lanes.values(), key=lambda other: other.length)
        if longest.length <= own + 1:
            raise self._refusal(wait_s)
        self._refuse(longest.last())

    def _foresee(self, lane: Lane | None, priority: int) -> float | None:
        """Seconds until its turn: in each round before it every tenant that waits has one."""
        if self._interval_s is None or not self.waiting:
            return None
        rounds = 1 + (lane.count_before(priority) if lane else 0)
        tenants = len(self._lanes) + (lane is None)
        return min(self.waiting + 1, rounds * tenants) * self._interval_s

    def _find_lane(self, tenant: UUID) -> Lane:
        lane = self._lanes.get(tenant)
        if lane is None:
            start = max(self._virtual, self._ends.pop(tenant, 0.0))
            lane = self._lanes[tenant] = Lane(tenant, start=start, share=1.0 / self._weights.get(tenant, 1.0))
        return lane

    def _list(self, lane: Lane) -> None:
        """Its turn may come, unless the tenant holds all the places it may."""
        if not lane.is_listed and lane.length and self._held.get(lane.tenant.int, 0) < min(self._most, self._seats):
            self._order += 1
            lane.is_listed = True
            heapq.heappush(self._heap, (lane.start, self._order, lane))

    def _admit(self) -> None:
        while self._heap and self.in_flight < self.limit:
            _, _, lane = heapq.heappop(self._heap)
            lane.is_listed = False
            number = lane.tenant.int
            held = self._held.get(number, 0)
            if held < min(self._most, self._seats) and self._seat(lane):
                self.in_flight += 1
                self._held[number] = held + 1
                self._list(lane)

    def _seat(self, lane: Lane) -> bool:
        """The place goes to the first of the lane who still wants it: whether there was one."""
        while lane.length:
            waiter = lane.first()
            is_wanted = not waiter.place.cancelled()
            if is_wanted:
                self._virtual = lane.start
                lane.start += lane.share
                waiter.place.set_result(None)
            self._remove(waiter)
            if is_wanted:
                return True
        return False

    def _remove(self, waiter: Waiter) -> None:
        """Harmless when it is gone already."""
        lane = waiter.lane
        if not lane.remove(waiter):
            return
        self.waiting -= 1
        if lane.length:
            return
        del self._lanes[lane.tenant]
        self._ends[lane.tenant] = lane.start
        self._clean()

    def _clean(self) -> None:
        """What lanes leave behind goes before it is more than what waits, and all of it when nothing waits."""
        if not self._lanes:
            self._heap.clear()
            self._ends.clear()
            self._virtual = 0.0
        if len(self._heap) > 2 * len(self._lanes) + 16:
            self._heap = [entry for entry in self._heap if entry[2].length]
            heapq.heapify(self._heap)
        if len(self._ends) > 2 * len(self._lanes) + 16:
            self._ends = {tenant: end for tenant, end in self._ends.items() if end > self._virtual}

    def _refuse(self, waiter: Waiter) -> None:
        """Its time is over, or another's turn comes first."""
        self._remove(waiter)
        if not waiter.place.done():
            waiter.place.set_exception(self._refusal(self.wait_s))

    def _refusal(self, wait_s: float | None) -> Refusal:
        self.refused += 1
        retry_after_s = float(math.ceil(min(max(wait_s or 1.0, 1.0), 60.0)))
        return Refusal(
            "queue-full",
            f"The server has more calls than it can answer in time. Try again in {retry_after_s:.0f} seconds.",
            status=429,
            code=CODES["queue-full"],
            retry_after_s=retry_after_s,
        )

    def _measure(self) -> None:
        """How often a call ends while others wait: what the server can do. Half of it is the newest measurement."""
        now_s = self._clock()
        if not self._since_s:
            self._since_s, self._ended = now_s, 0
            return
        self._ended += 1
        took_s = now_s - self._since_s
        if self._ended < MEASURED and took_s < 1:
            return
        newest_s = took_s / self._ended
        self._interval_s = newest_s if self._interval_s is None else (self._interval_s + newest_s) / 2
        self._since_s, self._ended = now_s, 0
