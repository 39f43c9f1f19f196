"""Resources somebody watches: asked of the server in its era's way, again for each new connection."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable

import msgspec
from msgspec import Raw

from bridge.engine.envelope import write_object
from bridge.engine.era import MODERN, Client, write_meta
from bridge.sources.connection import Answer, Ask, Connection, Notice, UpstreamError

US = Client(MODERN, info=b'{"name":"dazbox-mcp","version":"1"}')
FOREVER_S = 1e8
SUBSCRIBE_S = 10.0
Take = Callable[[Notice], None]


class Ear:
    """The inbox of a request that does nothing but listen."""

    def __init__(self, take: Take) -> None:
        self._take = take

    def take_notice(self, notice: Notice) -> None:
        self._take(notice)

    async def answer(self, ask: Ask) -> Answer:
        return Answer(b'{"code":-32601,"message":"nobody is there to answer"}', is_error=True)


class Listening:
    """To one connection, for as long as it is open. `watched`: URIs and how many watch each, of one server."""

    def __init__(self, connection: Connection, *, watched: Counter[str], take: Take) -> None:
        self._connection, self._watched, self._take = connection, watched, take
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        if self._connection.era == "modern":
            self._listen_anew()
            return
        for uri in tuple(self._watched):
            await self._tell("resources/subscribe", uri)

    async def watch(self, uri: str) -> None:
        if self._connection.era == "modern":
            self._listen_anew()
        else:
            await self._tell("resources/subscribe", uri)

    async def unwatch(self, uri: str) -> None:
        if self._connection.era == "modern":
            self._listen_anew()
        else:
            await self._tell("resources/unsubscribe", uri)

    def end(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _tell(self, method: str, uri: str) -> None:
        """A server that does not know the method tells nothing of its resources: its clients still may read them."""
        if self._connection.is_open:
            params = msgspec.json.encode({"uri": uri})
            await self._connection.request(method, params, timeout_s=SUBSCRIBE_S)

    def _listen_anew(self) -> None:
        """One request for all that is watched: when that changes there is another, and only then the old one ends."""
        old, self._task = self._task, None
        if self._watched:
            self._task = asyncio.get_running_loop().create_task(self._listen())
        if old is not None:
            old.cancel()

    async def _listen(self) -> None:
        wanted = write_object({"resourceSubscriptions": Raw(msgspec.json.encode(sorted(self._watched)))})
        params = write_object({"_meta": Raw(write_meta(US)), "notifications": Raw(wanted)})
        with contextlib.suppress(UpstreamError):  # it ended: the next connection listens again
            await self._connection.request("subscriptions/listen", params, timeout_s=FOREVER_S, inbox=Ear(self._take))
