"""uvicorn's server, which on SIGTERM lets everybody finish: no connection is cut that still has a request in it."""

import asyncio
import gc
import socket

import uvicorn

from bridge.gateway.parts import Parts
from bridge.gateway.protocol import BoundedProtocol

PATIENCE_S = 5.0  # for clients with open, silent connections to send one more request, and hear that it was the last
CALLS_S = 30.0  # for calls over a WebSocket
STEP_S = 0.05
LOOK_TICKS = 50  # every five seconds


class DrainingServer(uvicorn.Server):
    """While it drains each answer says `connection: close`; the listening socket stays open for the next gateway."""

    def __init__(self, config: uvicorn.Config, parts: Parts) -> None:
        super().__init__(config)
        self._parts = parts

    async def on_tick(self, counter: int) -> bool:
        """uvicorn's, ten times a second."""
        if counter % LOOK_TICKS == 0:
            now_s = asyncio.get_running_loop().time()
            for one in tuple(self.server_state.connections):
                if isinstance(one, BoundedProtocol):
                    one.note(now_s)
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """What is there once it listens stays for good: it is not looked through again for what could go."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._parts.is_draining = True
        for server in self.servers:
            server.close()
        self._parts.sessions.end_streams()
        self._parts.streams.leave()
        self._parts.lines.leave()
        self._parts.sockets.leave()
        await self._wait_for_silence()
        await super().shutdown(sockets)

    async def _wait_for_silence(self) -> None:
        """Until every connection was closed by its client after its last answer, or has said nothing for a while. Calls
        over a WebSocket may end by themselves, since uvicorn cuts it off.
        """
        now_s = asyncio.get_running_loop().time
        silent_s, until_s = now_s() + PATIENCE_S, now_s() + CALLS_S
        while self.server_state.connections and (  # noqa: ASYNC110 - uvicorn's set
            now_s() < silent_s or (now_s() < until_s and self._parts.sockets.is_busy)
        ):
            await asyncio.sleep(STEP_S)
