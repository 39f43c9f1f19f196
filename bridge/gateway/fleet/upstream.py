"""One server of the catalogue as it runs: its connections, shared as its pool policy says."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from uuid import UUID

from msgspec.structs import replace

from bridge.engine.observed import Condition
from bridge.engine.server import BuiltIn, Http, Server
from bridge.gateway.fleet.pace import Pace
from bridge.gateway.fleet.slot import Slot
from bridge.gateway.queue import FairQueue
from bridge.sources.connection import Connection, ConnectionLost, Era, Line, Notice, UpstreamError
from mcp_saas.kit.breaker import Breaker

OpenFor = Callable[[Server, UUID | None, Era | None], Awaitable[Connection]]  # whose own secret it carries; its era
MOST_SLOTS = 256  # of per_session and per_credential
MOST_OF_TENANT = MOST_SLOTS // 4
COME_AGAIN_S = 5.0
FAILURES, REST_S = 5, 2.0
RENEW_S = 60.0  # to start beside one that is old; if it cannot, so long until the next try


class TooManyConnections(UpstreamError):  # noqa: N818 - it is what happened
    """One tenant holds its part of a server's connections, and all of them are busy."""

    def __init__(self, server: str) -> None:
        super().__init__(
            f"You have {MOST_OF_TENANT} busy connections to the server {server}, as many as one may have: "
            f"end a session, or try again in {COME_AGAIN_S:g} s."
        )


class Upstream:
    """`server` may be put in anew where nothing of the running connections depends on what changed. `successor`: who
    takes the calls that still come here after it was replaced.
    """

    def __init__(
        self,
        server: Server,
        open_for: OpenFor,
        *,
        on_ready: Callable[["Upstream", Slot], Awaitable[None]],
        on_notice: Callable[["Upstream", Slot, Notice], None],
        on_life: Callable[[str, Line], None],
    ) -> None:
        self.server, self._open_for = server, open_for
        self._on_ready, self._on_notice, self._on_life = on_ready, on_notice, on_life
        self.slots: dict[str, Slot] = {}
        self.successor: Upstream | None = None
        self._aging: set[Slot] = set()  # whose successor starts
        self._era: Era | None = None  # of the last connection: an older server is not asked for the newer era again
        self.breaker = Breaker(failures=FAILURES, rest_s=REST_S)
        self.queue = FairQueue(count_places(server), server.limits.queued)

    def take(self, server: Server) -> None:
        """The same to its connections, told anew."""
        self.server = server

    def own(self, tenant: UUID) -> UUID | None:
        """The tenant, where each has connections of its own and may be shown other tools; None where all share them."""
        return tenant if self.server.pool.policy == "per_credential" else None

    def start(self) -> None:
        if self.server.pool.warm and self.server.should_run:
            for key in self._fixed_keys():
                self._find(key).start()

    def _fixed_keys(self) -> tuple[str, ...]:
        match self.server.pool.policy:
            case "shared":
                return ("shared",)
            case "several":
                return tuple(str(index) for index in range(count_connections(self.server)))
        return ()

    def choose(self, *, tenant: UUID, session: str | None) -> Slot:
        """The slot a call goes to; its connection may still have to start. Raises ConnectionLost,
        TooManyConnections.
        """
        if self.successor is not None:
            return self.successor.choose(tenant=tenant, session=session)
        if not self.server.should_run:
            raise ConnectionLost(f"The server {self.server.name} is stopped.")
        match self.server.pool.policy:
            case "shared":
                return self.slots.get("shared") or self._find("shared")
            case "several":
                return choose_least([self._find(key) for key in self._fixed_keys()])
            case "per_credential":
                return self._find(str(tenant), tenant)
        return self._find(session or f"tenant {tenant}", tenant)

    async def pick(self, *, tenant: UUID, session: str | None, timeout_s: float) -> Slot:
        """A slot whose connection is open. Raises ConnectionLost."""
        slot = self.choose(tenant=tenant, session=session)
        if not slot.is_ready:
            await slot.wait(timeout_s)
        return slot

    def _find(self, key: str, tenant: UUID | None = None) -> Slot:
        slot = self.slots.get(key)
        if slot is None:
            self._make_room(tenant)
            slot = self.slots[key] = self._make(key, tenant)
        return slot

    def _make(self, key: str, tenant: UUID | None) -> Slot:
        slot = Slot(
            key,
            lambda: self._connect(key),
            on_ready=lambda ready: self._on_ready(self, ready),
            on_notice=lambda told, notice: self._on_notice(self, told, notice),
            on_life=lambda line: self._on_life(self.server.name, line),
            pace=Pace(may_loop=not isinstance(self.server.transport, Http)),
        )
        slot.tenant = tenant
        return slot

    async def _connect(self, key: str) -> Connection:
        """Raises UpstreamError; then another era is thought possible again."""
        tenant = UUID(key) if self.server.pool.policy == "per_credential" else None
        known, self._era = self._era, None
        connection = await self._open_for(find_replica(self.server, key), tenant, known)
        self._era = connection.era
        return connection

    def _make_room(self, tenant: UUID | None) -> None:
        """Who has his part gives up one of his own; where all is taken, whoever rested longest does."""
        if len(self.slots) < MOST_OF_TENANT:
            return
        own = [slot for slot in self.slots.values() if slot.tenant == tenant]
        has_part = tenant is not None and len(own) >= MOST_OF_TENANT
        if not has_part and len(self.slots) < MOST_SLOTS:
            return
        idle = [slot for slot in (own if has_part else self.slots.values()) if not slot.in_flight]
        if not idle and has_part:
            raise TooManyConnections(self.server.name)
        if not idle:
            raise ConnectionLost(f"The server {self.server.name} has as many connections as it may.")
        oldest = min(idle, key=lambda slot: slot.used_at_s)
        del self.slots[oldest.key]
        self._let_go(oldest)

    def _let_go(self, slot: Slot) -> None:
        part(slot.drain(patience_s=self.server.limits.max_timeout_s))

    async def leave_session(self, session: str) -> None:
        slot = self.slots.pop(session, None)
        if slot is not None:
            await slot.stop()

    def list_own(self) -> list[UUID]:
        """The tenants that have a connection of their own."""
        return [UUID(key) for key in self.slots] if self.server.pool.policy == "per_credential" else []

    def leave_own(self, tenant: UUID) -> None:
        """Its calls under way are finished first."""
        slot = self.slots.pop(str(tenant), None)
        if slot is not None:
            self._let_go(slot)

    def recycle(self) -> None:
        """Stops what was idle for long, and replaces what lived its time."""
        pool, now_s = self.server.pool, time.monotonic()
        for key, slot in tuple(self.slots.items()):
            is_idle = pool.idle_stop_s is not None and not slot.in_flight and now_s - slot.used_at_s > pool.idle_stop_s
            is_old = pool.max_life_s is not None and slot.is_ready and now_s - slot.started_at_s > pool.max_life_s
            if slot.condition is Condition.READY and is_idle:
                del self.slots[key]
                self._let_go(slot)
            elif slot.condition is Condition.READY and is_old and slot not in self._aging:
                self._aging.add(slot)
                part(self._renew(slot))

    async def _renew(self, old: Slot) -> None:
        """Another is started beside it, and takes over when it is ready; without one the old one goes on."""
        new = self._make(old.key, old.tenant)
        new.start()
        try:
            await new.wait(RENEW_S)
        except ConnectionLost:
            await new.stop()
            await asyncio.sleep(RENEW_S)
        else:
            await self._put(new, old)
        finally:
            self._aging.discard(old)

    async def _put(self, new: Slot, old: Slot) -> None:
        if self.slots.get(old.key) is old:
            self.slots[old.key] = new
            await old.drain(patience_s=self.server.limits.max_timeout_s)
        else:
            await new.stop()  # it left meanwhile

    async def drain(self, successor: "Upstream | None" = None) -> None:
        """Calls under way are finished; those that still come go to the successor, or are told that it is stopped."""
        self.successor, self.server = successor, replace(self.server, should_run=False)
        slots, self.slots = tuple(self.slots.values()), {}
        await asyncio.gather(*(slot.drain(patience_s=self.server.limits.max_timeout_s) for slot in slots))

    async def stop(self) -> None:
        slots, self.slots = tuple(self.slots.values()), {}
        await asyncio.gather(*(slot.stop() for slot in slots))

    async def restart(self, key: str | None = None) -> None:
        chosen = [slot for name, slot in self.slots.items() if key is None or name == key]
        await asyncio.gather(*(slot.restart() for slot in chosen))
        self.start()

    @property
    def condition(self) -> Condition:
        """That of the whole: ready while one connection is."""
        found = {slot.condition for slot in self.slots.values()}
        order = (
            Condition.READY, Condition.DEGRADED, Condition.STARTING, Condition.BACKOFF, Condition.CRASH_LOOP,
            Condition.DRAINING,
        )  # fmt: skip
        return next((condition for condition in order if condition in found), Condition.STOPPED)


_parting: set[asyncio.Task[None]] = set()  # old connections that finish their calls


def part(leaving: Coroutine[None, None, None]) -> None:
    task = asyncio.get_running_loop().create_task(leaving)
    _parting.add(task)
    task.add_done_callback(_parting.discard)


def choose_least(slots: list[Slot]) -> Slot:
    """The least busy of those that are there, of equals the one that rested longest. One that is not there, nor on its
    way, is started once the others are busy.
    """
    best = min(slots, key=rank)
    if best.in_flight:
        stopped = next((slot for slot in slots if slot.condition is Condition.STOPPED), None)
        if stopped is not None:
            stopped.start()
    return best


def rank(slot: Slot) -> tuple[bool, bool, int, float]:
    return not slot.is_ready, slot.condition is Condition.DEGRADED, slot.in_flight, slot.used_at_s


def list_addresses(server: Server) -> tuple[str, ...]:
    how = server.transport
    return (how.url, *how.replicas) if isinstance(how, Http) else ()


def count_connections(server: Server) -> int:
    """Of the policy several: `size`, and no fewer than there are addresses."""
    return max(server.pool.size, len(list_addresses(server)))


def find_replica(server: Server, key: str) -> Server:
    """The server at the address that connection goes to: each in turn."""
    addresses = list_addresses(server)
    if server.pool.policy != "several" or len(addresses) < 2:
        return server
    return replace(server, transport=replace(server.transport, url=addresses[int(key) % len(addresses)]))


def count_places(server: Server) -> int:
    """Calls at once over all connections; of those made as they are needed nobody knows how many there will be."""
    match server.pool.policy:
        case "shared":
            return server.limits.in_flight
        case "several":
            return server.limits.in_flight * count_connections(server)
    return server.limits.in_flight * MOST_SLOTS


def runs_alike(old: Server, new: Server) -> bool:
    """Whether connections of the one serve the other: then nothing needs to start anew."""
    return (
        old.transport == new.transport
        and old.pool == new.pool
        and old.limits == new.limits
        and old.should_run == new.should_run
        and not isinstance(new.transport, BuiltIn)
    ) or (isinstance(new.transport, BuiltIn) and old.transport == new.transport)
