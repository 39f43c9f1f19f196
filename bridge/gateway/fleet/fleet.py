"""All servers of the catalogue, kept as they should be: what is new is started, what changed is replaced, what is gone
is drained. Nobody's failing server holds up another.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol
from uuid import UUID

from bridge.engine.observed import Condition
from bridge.engine.server import Catalogue, Server
from bridge.gateway.fleet.listening import Listening
from bridge.gateway.fleet.probe import Probe
from bridge.gateway.fleet.slot import Slot
from bridge.gateway.fleet.upstream import Upstream, runs_alike
from bridge.gateway.hub import CONDITION
from bridge.gateway.own_secrets import Own
from bridge.sources.connection import Connection, Era, Line, Notice, OnLog, UpstreamError


class Open(Protocol):
    """How a connection is opened; `tenant` whose own it is, `known` its era. Raises ConnectionLost."""

    async def __call__(
        self, server: Server, tenant: UUID | None, *, on_log: OnLog, known: Era | None = None
    ) -> Connection: ...


Log = Callable[[str, Line], None]  # of the server of that name
EVERY_S = 1.0


class Fleet:
    """`on_ready`: the lists of a new connection are read before callers get it; `on_notice`: what it tells unasked, and
    the tenant whose own connection it is;
    `on_changed`: its entry in the catalogue is another, and its connections are the same.
    """

    def __init__(
        self,
        open_connection: Open,
        *,
        on_ready: Callable[[Upstream, Connection], Awaitable[None]],
        on_notice: Callable[[Upstream, Notice, UUID | None], None],
        on_changed: Callable[[Upstream], None],
        on_gone: Callable[[str], None],
        log: Log,
    ) -> None:
        self._open, self._tell_ready, self._tell_notice = open_connection, on_ready, on_notice
        self._on_changed, self._on_gone, self._log = on_changed, on_gone, log
        self.upstreams: dict[str, Upstream] = {}
        self.catalogue = Catalogue(0)
        self._coming: dict[str, Upstream] = {}  # the newest that starts beside the old one
        self._listening: dict[Slot, Listening] = {}
        self._watched: dict[tuple[str, UUID | None], Counter[str]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._probe = Probe()
        self._conditions: dict[str, Condition] = {}

    def find(self, name: str) -> Upstream | None:
        return self.upstreams.get(name)

    async def apply(self, catalogue: Catalogue) -> None:
        """Makes what runs what should run; calls under way on what is replaced are finished first."""
        self.catalogue = catalogue
        wanted = {server.name: server for server in catalogue.servers}
        for name in [name for name in self.upstreams if name not in wanted]:
            self._part(self.upstreams.pop(name).drain())
            self._coming.pop(name, None)
            self._on_gone(name)
        for server in catalogue.servers:
            self._take(server)

    def _take(self, server: Server) -> None:
        old = self.upstreams.get(server.name)
        newest = self._coming.get(server.name, old)
        if newest is not None and runs_alike(newest.server, server):
            if newest.server != server:
                newest.take(server)
                self._on_changed(newest)
            return
        new = Upstream(
            server,
            self._open_for,
            on_ready=self._on_ready,
            on_notice=self._on_notice,
            on_life=self._log,
        )
        if old is None or not server.should_run:
            self.upstreams[server.name] = new
            self._coming.pop(server.name, None)
            if old is not None:
                self._part(old.drain(new))
            new.start()
        else:
            self._coming[server.name] = new
            self._part(self._replace(old, new))

    async def _replace(self, old: Upstream, new: Upstream) -> None:
        """The new one takes over as soon as it is ready, or cannot be made ready in time."""
        new.start()
        slots = tuple(new.slots.values())
        waits = [slot.wait(new.server.limits.timeout_s) for slot in slots]
        await asyncio.gather(*waits, return_exceptions=True)
        if self._coming.get(new.server.name) is new:
            del self._coming[new.server.name]
            self.upstreams[new.server.name] = new
            await old.drain(new)
        else:
            await new.stop()  # the catalogue changed again meanwhile

    def _part(self, leaving: Awaitable[None]) -> None:
        async def part() -> None:
            await leaving

        task = asyncio.get_running_loop().create_task(part())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _open_for(self, server: Server, tenant: UUID | None, known: Era | None) -> Connection:
        return await self._open(server, tenant, on_log=lambda line: self._log(server.name, line), known=known)

    def list_own(self) -> list[Own]:
        """Connections that are one tenant's alone."""
        return [(name, tenant) for name, upstream in self.upstreams.items() for tenant in upstream.list_own()]

    def renew(self, own: Own) -> None:
        """It ends after the calls it has; the next call opens another."""
        name, tenant = own
        upstream = self.upstreams.get(name)
        if upstream is not None:
            upstream.leave_own(tenant)
            self._on_changed(upstream)

    async def _on_ready(self, upstream: Upstream, slot: Slot) -> None:
        connection = slot.connection
        if connection is None:
            return
        await self._tell_ready(upstream, connection)
        watched = self._watched_of(upstream, find_owner(upstream, slot))
        listening = Listening(connection, watched=watched, take=lambda notice: self._on_notice(upstream, slot, notice))
        old = self._listening.get(slot)
        if old is not None:
            old.end()
        self._listening[slot] = listening
        connection.ended.add_done_callback(lambda _: listening.end())
        await listening.begin()

    def _on_notice(self, upstream: Upstream, slot: Slot, notice: Notice) -> None:
        self._tell_notice(upstream, notice, find_owner(upstream, slot))

    async def watch(self, upstream: Upstream, uri: str, *, tenant: UUID) -> None:
        """From now on the server tells when the resource changes: on the tenant's own connection, where it has one.
        Raises UpstreamError.
        """
        watched = self._watched_of(upstream, upstream.own(tenant))
        watched[uri] += 1
        if watched[uri] > 1:
            return
        try:
            await asyncio.gather(*(listening.watch(uri) for listening in self._listening_of(upstream, tenant)))
        except UpstreamError:
            await self.unwatch(upstream, uri, tenant=tenant)
            raise

    async def unwatch(self, upstream: Upstream, uri: str, *, tenant: UUID) -> None:
        watched = self._watched_of(upstream, upstream.own(tenant))
        if watched[uri] > 1:
            watched[uri] -= 1
        elif watched.pop(uri, 0):
            unheard = (listening.unwatch(uri) for listening in self._listening_of(upstream, tenant))
            await asyncio.gather(*unheard, return_exceptions=True)

    def unwatch_later(self, uri: str, servers: Iterable[str], *, tenant: UUID) -> None:
        """For one who does not wait for it."""
        for name in servers:
            upstream = self.upstreams.get(name)
            if upstream is not None:
                self._part(self.unwatch(upstream, uri, tenant=tenant))

    def leave_session(self, session: str) -> None:
        """Connections of that session alone are ended."""
        for upstream in self.upstreams.values():
            if session in upstream.slots:
                self._part(upstream.leave_session(session))

    def _watched_of(self, upstream: Upstream, owner: UUID | None) -> Counter[str]:
        return self._watched.setdefault((upstream.server.name, owner), Counter())

    def _listening_of(self, upstream: Upstream, tenant: UUID) -> list[Listening]:
        own = upstream.own(tenant)
        slots = (slot for slot in upstream.slots.values() if slot.is_ready and find_owner(upstream, slot) == own)
        return [self._listening[slot] for slot in slots if slot in self._listening]

    async def run(self) -> None:
        """Looks after what runs, until it is cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            for upstream in tuple(self.upstreams.values()):
                upstream.recycle()
                self._tell_condition(upstream)
                for slot in tuple(upstream.slots.values()):
                    self._probe.look(slot, every_s=upstream.server.pool.probe_s)
            for slot in [slot for slot in self._listening if slot.condition is Condition.STOPPED]:
                self._listening.pop(slot).end()

    def _tell_condition(self, upstream: Upstream) -> None:
        name, condition = upstream.server.name, upstream.condition
        if self._conditions.get(name) is not condition:
            self._conditions[name] = condition
            self._tell_notice(upstream, Notice(CONDITION, b'{"condition":"%b"}' % condition.encode()), None)

    async def stop(self) -> None:
        """Everything that runs is ended, with its children."""
        await asyncio.gather(*(upstream.stop() for upstream in self.upstreams.values()))
        for task in tuple(self._leaving):
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)


def find_owner(upstream: Upstream, slot: Slot) -> UUID | None:
    """The tenant whose own connection it is; None where all share it."""
    return UUID(slot.key) if upstream.server.pool.policy == "per_credential" else None
