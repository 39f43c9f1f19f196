"""One connection that is kept: started, watched, started again when it ends, drained when it is no longer wanted."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

import psutil

from bridge.engine.observed import Condition, ConnectionSeen
from bridge.gateway.fleet.pace import REST_S, Pace
from bridge.sources.connection import Connection, ConnectionLost, Line, Notice, Opener, UpstreamError

DRAIN_CHECK_S = 0.05


class Slot:
    """`on_ready` sees each new connection before callers do; `on_notice` hears what belongs to no call."""

    def __init__(
        self,
        key: str,
        opener: Opener,
        *,
        on_ready: Callable[["Slot"], Awaitable[None]],
        on_notice: Callable[["Slot", Notice], None],
        on_life: Callable[[Line], None],
        pace: Pace,
    ) -> None:
        self.key, self._opener = key, opener
        self.tenant: UUID | None = None  # for whom it was made, where it is not for all
        self._on_ready, self._on_notice, self._on_life = on_ready, on_notice, on_life
        self.connection: Connection | None = None
        self.condition = Condition.STOPPED
        self.in_flight = self.calls = self.errors = self.restarts = 0
        self.is_suspected = False  # it left something unanswered, and nothing was heard of it since
        self.last_error: str | None = None
        self.last_error_at: float | None = None
        self.since = time.time()
        self.used_at_s = self.started_at_s = time.monotonic()
        self._pid: int | None = None  # of the child that is, or was last
        self._reason: str | None = None  # why it ended last
        self._pace = pace
        self._changed: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_ready(self) -> bool:
        return self.connection is not None and self.connection.is_open

    def start(self) -> None:
        """Keeps it running from now on."""
        if self._task is None or self._task.done():
            self._pace.reset()
            self._task = asyncio.get_running_loop().create_task(self._keep())

    async def wait(self, timeout_s: float) -> Connection:
        """The open connection; waits for it to start. Raises ConnectionLost when it does not within the time."""
        self.used_at_s = time.monotonic()
        connection = self.connection
        if connection is not None and connection.is_open:
            return connection
        if self._task is None:
            self.start()
        try:
            async with asyncio.timeout(timeout_s):
                return await self._wait_open()
        except TimeoutError:
            raise ConnectionLost(self.last_error or "The server has not started in time.") from None

    async def _wait_open(self) -> Connection:
        while self.connection is None or not self.connection.is_open:
            if self.condition is Condition.CRASH_LOOP:
                raise ConnectionLost(f"The server ends each time it is started: {self._reason}")
            if self.condition is Condition.STOPPED and (self._task is None or self._task.done()):
                raise ConnectionLost("The server is stopped.")
            if self._changed is None or self._changed.done():
                self._changed = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._changed)
        return self.connection

    async def drain(self, *, patience_s: float) -> None:
        """No new calls come: those under way are finished, then it is closed."""
        self._set(Condition.DRAINING)
        try:
            async with asyncio.timeout(patience_s):
                while self.in_flight:  # noqa: ASYNC110 - counted on the way of each call, where an event would cost
                    await asyncio.sleep(DRAIN_CHECK_S)
        except TimeoutError:
            self._tell_life(f"{self.in_flight} calls were cut off")
        await self.stop()

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        connection, self.connection = self.connection, None
        if connection is not None:
            await connection.close()
        self._set(Condition.STOPPED)

    async def restart(self) -> None:
        await self.stop()
        self.start()

    def note_error(self, words: str) -> None:
        self.errors += 1
        self.last_error, self.last_error_at = words, time.time()

    def note_timeout(self, words: str) -> None:
        self.is_suspected = True
        self.note_error(words)

    def note_health(self, *, is_well: bool) -> None:
        self.is_suspected = not is_well
        if self.is_ready:
            self._set(Condition.READY if is_well else Condition.DEGRADED)
        if not is_well:
            self.note_error("It does not answer.")

    async def _keep(self) -> None:
        while True:
            failed, calls = self.errors, self.calls
            lived_s = await self._live()
            answered = self.calls - calls - self.in_flight - (self.errors - failed)
            delay_s = self._pace.note_end(lived_s, has_served=answered > 0)
            self.restarts += 1
            if self._pace.is_looping:
                await self._rest()
            elif delay_s:
                self._set(Condition.BACKOFF)
                await asyncio.sleep(delay_s)

    async def _rest(self) -> None:
        self._tell_life(f"it ends each time it is started: left alone for {REST_S:g} s, or until somebody starts it")
        self._set(Condition.CRASH_LOOP)
        await asyncio.sleep(REST_S)
        self._pace.reset()

    async def _live(self) -> float:
        """One life, from its start to its end; returns how many seconds it was ready."""
        self._set(Condition.STARTING)
        began_s = time.monotonic()
        try:
            connection = await self._open()
        except UpstreamError as error:
            self._note_end(str(error))
            self._tell_life(str(error))
            return 0.0
        self.started_at_s = time.monotonic()
        self.is_suspected = False
        self._tell_life(f"ready after {self.started_at_s - began_s:.2f} s, speaks {connection.version}")
        self._set(Condition.READY)
        reason = await asyncio.shield(connection.ended)
        self.connection = None
        await connection.close(grace_s=0.0)
        self._note_end(reason)
        if connection.pid is None:  # else the child's own log says it
            self._tell_life(reason)
        return time.monotonic() - self.started_at_s

    async def _open(self) -> Connection:
        connection = await self._opener()
        connection.listen(lambda notice: self._on_notice(self, notice))
        self.connection, self._pid = connection, connection.pid
        try:
            await self._on_ready(self)
        except UpstreamError:
            self.connection = None
            await connection.close()
            raise
        return connection

    def _note_end(self, reason: str) -> None:
        self._reason = self.last_error = reason
        self.last_error_at = time.time()

    def _tell_life(self, text: str) -> None:
        self._on_life(Line("life", text, self._pid))

    def _set(self, condition: Condition) -> None:
        if condition is not self.condition:
            self.condition, self.since = condition, time.time()
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    def read(self) -> ConnectionSeen:
        connection = self.connection
        pid = connection.pid if connection is not None else None
        rss_bytes, cpu_s = measure(pid)
        return ConnectionSeen(
            key=self.key,
            condition=self.condition,
            era=connection.version if connection is not None else None,
            pid=pid,
            since=self.since,
            in_flight=self.in_flight,
            calls=self.calls,
            errors=self.errors,
            restarts=self.restarts,
            rss_bytes=rss_bytes,
            cpu_s=cpu_s,
            last_error=self.last_error,
        )


def measure(pid: int | None) -> tuple[int | None, float | None]:
    """Memory (bytes) and processor time (seconds) of a child and its own children; None where it cannot be read."""
    if pid is None:
        return None, None
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        times = [process.cpu_times() for process in family]
        return sum(process.memory_info().rss for process in family), sum(spent.user + spent.system for spent in times)
    except psutil.Error:
        return None, None
