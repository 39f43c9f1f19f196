"""Starts a server's child and finds out which era it speaks."""

import asyncio

from bridge.engine import envelope
from bridge.engine.server import Limits, Stdio
from bridge.sources.asks import FOR_EVER_S
from bridge.sources.connection import Answer, ConnectionLost, Line, OnLog, UpstreamError
from bridge.sources.handshake import (
    DISCOVER,
    FACE,
    INITIALIZE,
    INITIALIZED,
    PATIENCE,
    Face,
    Manners,
    Patience,
    make_discover,
    make_initialize,
    read_discovered,
    read_initialized,
    wants_another_try,
)
from bridge.sources.stdio.again import Retold
from bridge.sources.stdio.connection import StdioConnection
from bridge.sources.stdio.tap import Tap

NO_COMMAND = {126, 127}  # of launch.py: cannot be run, does not exist


async def open_stdio(
    how: Stdio,
    *,
    limits: Limits,
    env: dict[str, str],
    on_log: OnLog,
    patience: Patience = PATIENCE,
    face: Face = FACE,
) -> StdioConnection:
    """Ready for requests. Raises ConnectionLost when it does not start, or speaks nothing we do.

    A server that dies of the probe is started once more and greeted as older ones are.
    """
    opening = _Opening(how, limits=limits, env=env, on_log=on_log, abilities=face.abilities)
    try:
        async with asyncio.timeout(patience.start_s):
            if face.known == "legacy":
                return await opening.greet()
            return await opening.probe(patience.silence_s)
    except TimeoutError:
        raise ConnectionLost(f"the server was not ready within {patience.start_s:g} s") from None
    finally:
        await opening.clean_up()


class _Opening:
    """One attempt, and whatever it has started."""

    def __init__(self, how: Stdio, *, limits: Limits, env: dict[str, str], on_log: OnLog, abilities: bytes) -> None:
        self._how = how
        self._limits = limits
        self._env = env
        self._on_log, self._log = on_log, Retold(on_log)
        self._abilities = abilities
        self._started: StdioConnection | None = None
        self._is_done = False

    async def probe(self, silence_s: float) -> StdioConnection:
        """Modern servers answer it. Others refuse it, or say nothing, or die."""
        connection = await self._start()
        probe = asyncio.ensure_future(self._ask(connection, DISCOVER, params=make_discover()))
        try:
            await asyncio.wait((probe,), timeout=silence_s)
            if (manners := read_probe(probe)) is not None:
                return self._settle(connection, manners)
            if connection.is_open:
                return await self._greet_beside(probe, connection)
            return await self._start_again(connection)
        finally:
            probe.cancel()

    async def greet(self) -> StdioConnection:
        """A new child, and the handshake of the older versions."""
        connection = await self._start()
        return self._settle_legacy(connection, await self._ask(connection, INITIALIZE, params=self._greeting()))

    async def _start_again(self, ended: StdioConnection) -> StdioConnection:
        if ended.child.status in NO_COMMAND:
            raise ConnectionLost("the server's command cannot be run: its log says why")
        said = "it ended when asked for server/discover; started again for the older handshake"
        self._on_log(Line("life", said, ended.pid))
        self._log.start_again()
        return await self.greet()

    async def _greet_beside(self, probe: asyncio.Task[Answer], connection: StdioConnection) -> StdioConnection:
        """The probe may still be answered by a modern server that is slow to start: then that counts."""
        greeting = asyncio.ensure_future(self._ask(connection, INITIALIZE, params=self._greeting()))
        try:
            while waiting := [one for one in (probe, greeting) if not one.done()]:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if (manners := read_probe(probe)) is not None:
                    return self._settle(connection, manners)
                if not connection.is_open:
                    return await self._start_again(connection)
                if greeting.done() and not greeting.result().is_error:
                    break
            return self._settle_legacy(connection, greeting.result())
        finally:
            greeting.cancel()

    def _greeting(self) -> bytes:
        return make_initialize(self._abilities)

    async def _start(self) -> StdioConnection:
        loop = asyncio.get_running_loop()
        connection = StdioConnection(max_answer_bytes=self._limits.max_answer_bytes, tap=Tap(self._log.take, loop.time))
        self._started = connection
        try:
            await connection.child.start(self._how, self._env)
        except (OSError, ValueError) as error:
            raise ConnectionLost(f"no process can be made for the server: {error}") from error
        connection.pid = connection.child.pid
        return connection

    async def _ask(self, connection: StdioConnection, method: str, *, params: bytes) -> Answer:
        """Whatever goes wrong is an error of the server."""
        try:
            answer = await connection.request(method, params, timeout_s=FOR_EVER_S)
            if method == DISCOVER and wants_another_try(answer):
                answer = await connection.request(method, params, timeout_s=FOR_EVER_S)
            return answer  # noqa: TRY300 - of either
        except UpstreamError as error:
            return Answer(envelope.make_error(envelope.INTERNAL_ERROR, str(error)), is_error=True)

    def _settle_legacy(self, connection: StdioConnection, answer: Answer) -> StdioConnection:
        if not connection.is_open:
            raise ConnectionLost(connection.ended.result())
        if answer.is_error:
            raise ConnectionLost(f"the server refused the handshake: {envelope.read_error(answer.body).message[:200]}")
        try:
            manners = read_initialized(answer.body)
        except envelope.MalformedError as error:
            raise ConnectionLost(error.message) from error
        connection.notify(INITIALIZED, envelope.NO_PARAMS)
        return self._settle(connection, manners)

    def _settle(self, connection: StdioConnection, manners: Manners) -> StdioConnection:
        connection.settle(manners)
        self._log.settle()
        self._is_done = True
        return connection

    async def clean_up(self) -> None:
        if self._started is not None and not self._is_done:
            self._started.child.kill()
            await self._started.close(grace_s=0)


def read_probe(probe: asyncio.Task[Answer]) -> Manners | None:
    """None while it has not shown a modern server."""
    if not probe.done() or probe.result().is_error:
        return None
    return read_discovered(probe.result().body)
