"""The process `knowledge`: serves a socket that its launcher holds, and ends when nobody has asked for a while."""

import asyncio
import socket
import time

import uvicorn

from mcp_saas.embedded.knowledge.app import KnowledgeApp

# Without a request for so long: what was written goes to the disk, and later into segments that are fast to read. The
# engine keeps Python waiting for a second or more meanwhile, so neither is done between two requests of one job.
FLUSH_AFTER_S = 3.0
OPTIMIZE_AFTER_S = 20.0
LATECOMER_S = 1.0


class KnowledgeServer(uvicorn.Server):
    """`idle_s`: without a request for so long, it ends; None: never."""

    def __init__(self, app: KnowledgeApp, *, idle_s: float | None) -> None:
        super().__init__(
            uvicorn.Config(
                app, lifespan="off", loop="uvloop", http="httptools", ws="none", log_config=None, access_log=False,
                server_header=False, date_header=False,
            )
        )  # fmt: skip
        self._app, self._idle_s = app, idle_s
        self._tidying: asyncio.Future[None] | None = None

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; True ends the process."""
        if await super().on_tick(counter):
            return True
        quiet_s = 0.0 if self._app.under_way else time.monotonic() - self._app.last_asked_at_s
        self._tidy(quiet_s)
        return self._idle_s is not None and quiet_s >= self._idle_s and not self._is_tidying

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """A connection that came at the last moment is served before the end: nobody else would."""
        for server in self.servers:
            server.close()
        await self._serve_latecomers()
        await super().shutdown(sockets)
        await asyncio.get_running_loop().run_in_executor(self._app.pool, self._app.catalog.close)

    async def _serve_latecomers(self) -> None:
        deadline_s = time.monotonic() + LATECOMER_S
        asked_at_s = self._app.last_asked_at_s
        await asyncio.sleep(0.02)  # what was accepted becomes a connection
        while self.server_state.connections and time.monotonic() < deadline_s and not self.force_exit:
            if self._app.last_asked_at_s > asked_at_s and not self._app.under_way:
                return
            await asyncio.sleep(0.02)

    @property
    def _is_tidying(self) -> bool:
        return self._tidying is not None and not self._tidying.done()

    def _tidy(self, quiet_s: float) -> None:
        catalog = self._app.catalog
        steps = ((OPTIMIZE_AFTER_S, catalog.optimize), (FLUSH_AFTER_S, catalog.flush))
        due = next((step for after_s, step in steps if quiet_s >= after_s), None)
        if due and not self._is_tidying:
            self._tidying = asyncio.get_running_loop().run_in_executor(self._app.pool, due)
