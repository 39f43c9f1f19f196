"""Whether a server that says nothing still could: asked now and then, in the words of its era."""

import asyncio
import time

from msgspec import Raw

from bridge.engine.envelope import write_object
from bridge.engine.era import write_meta
from bridge.engine.observed import Condition
from bridge.gateway.fleet.listening import US
from bridge.gateway.fleet.slot import Slot
from bridge.sources.connection import Connection, ConnectionLost, RequestTimeout, UpstreamError

PATIENCE_S = 5.0
SILENT = 3  # so many unanswered in a row: it is started anew


class Probe:
    """One that is busy with calls is not asked, its answers tell enough, unless one of them came to no answer in time.

    A slow one may be rightly slow: it is not ended while a call is under way that was there before its silence.
    """

    def __init__(self, *, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._asked_at_s: dict[Slot, float] = {}
        self._silent: dict[Slot, tuple[float, int]] = {}  # since when, how often
        self._tasks: dict[Slot, asyncio.Task[None]] = {}

    def look(self, slot: Slot, *, every_s: float) -> None:
        if not slot.is_ready or slot in self._tasks or (slot.in_flight and not slot.is_suspected):
            return
        now_s = time.monotonic()
        last_s = max(self._asked_at_s.get(slot, 0.0), slot.started_at_s)
        if not slot.is_suspected and now_s - last_s < every_s:
            return
        self._asked_at_s[slot] = now_s
        self._tasks[slot] = task = asyncio.get_running_loop().create_task(self._ask(slot, now_s))
        task.add_done_callback(lambda _: self._tasks.pop(slot))
        for gone in [other for other in self._asked_at_s if other.condition is Condition.STOPPED]:
            self._asked_at_s.pop(gone)
            self._silent.pop(gone, None)

    async def _ask(self, slot: Slot, now_s: float) -> None:
        connection = slot.connection
        if connection is None:
            return
        try:
            await ask(connection, timeout_s=self._patience_s)
        except RequestTimeout:
            await self._note_silence(slot, now_s)
        except ConnectionLost:
            self._silent.pop(slot, None)  # its slot knows
        except UpstreamError as error:
            slot.note_error(str(error))
        else:
            self._silent.pop(slot, None)
            slot.note_health(is_well=True)

    async def _note_silence(self, slot: Slot, now_s: float) -> None:
        since_s, times = self._silent.get(slot, (now_s, 0))
        self._silent[slot] = since_s, times + 1
        slot.note_health(is_well=False)
        connection = slot.connection
        if times + 1 < SILENT or connection is None:
            return
        if connection.longest_wait_s <= time.monotonic() - since_s:
            self._silent.pop(slot)
            await slot.restart()


async def ask(connection: Connection, *, timeout_s: float) -> None:
    """Any answer will do, an error too. Raises UpstreamError."""
    if connection.era == "modern":
        params = write_object({"_meta": Raw(write_meta(US))})
        await connection.request("server/discover", params, timeout_s=timeout_s)
    else:
        await connection.request("ping", b"{}", timeout_s=timeout_s)
