"""Those who stay for long: a stream or a WebSocket is theirs for as long as the door would let them in anew."""

import asyncio

from bridge.gateway.door.entrance import Door
from bridge.gateway.refusal import Refusal
from bridge.gateway.stream import Message, Receive, Scope

EVERY_S = 10.0


class Staying:
    """`receive` as ASGI has it: he is gone, too, once his token has ended or was revoked, or its tenant closed."""

    def __init__(self, door: Door, scope: Scope, receive: Receive, *, every_s: float = EVERY_S) -> None:
        self._door, self._scope, self._receive, self._every_s = door, scope, receive, every_s
        self._next: asyncio.Future[Message] | None = None

    async def receive(self) -> Message:
        self._next = self._next or asyncio.ensure_future(self._receive())
        try:
            while not (await asyncio.wait({self._next}, timeout=self._every_s))[0]:
                await self._door.admit(self._scope)
        except Refusal:
            self.end()
            return {"type": "http.disconnect"}
        except asyncio.CancelledError:
            self.end()
            raise
        message, self._next = self._next.result(), None
        return message

    def end(self) -> None:
        if self._next is not None:
            self._next.cancel()
