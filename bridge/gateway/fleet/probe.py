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

EVERY_S, PATIENCE_S = 15.0, 5.0
SILENT = 3  # so many unanswered in a row, and nothing under way: it is started anew


class Probe:
    """One that is busy with calls is not asked: its answers tell enough, and a slow one may be rightly slow."""

    def __init__(self, *, every_s: float = EVERY_S, patience_s: float = PATIENCE_S) -> None:
        self._every_s, self._patience_s = every_s, patience_s
        self._asked_at_s: dict[Slot, float] = {}
        self._silent: dict[Slot, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def look(self, slot: Slot) -> None:
        now_s = time.monotonic()
        last_s = max(self._asked_at_s.get(slot, 0.0), slot.started_at_s)
        if not slot.is_ready or slot.in_flight or now_s - last_s < self._every_s:
            return
        self._asked_at_s[slot] = now_s
        task = asyncio.get_running_loop().create_task(self._ask(slot))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        for gone in [other for other in self._asked_at_s if other.condition is Condition.STOPPED]:
            self._asked_at_s.pop(gone)
            self._silent.pop(gone, None)

    async def _ask(self, slot: Slot) -> None:
        connection = slot.connection
        if connection is None:
            return
        try:
            await ask(connection, timeout_s=self._patience_s)
        except RequestTimeout:
            await self._note_silence(slot)
        except ConnectionLost:
            return  # its slot knows
        except UpstreamError as error:
            slot.note_error(str(error))
        else:
            self._silent.pop(slot, None)
            slot.note_health(is_well=True)

    async def _note_silence(self, slot: Slot) -> None:
        self._silent[slot] = self._silent.get(slot, 0) + 1
        slot.note_health(is_well=False)
        if self._silent[slot] >= SILENT and not slot.in_flight:
            self._silent.pop(slot)
            await slot.restart()


async def ask(connection: Connection, *, timeout_s: float) -> None:
    """Any answer will do, an error too. Raises UpstreamError."""
    if connection.era == "modern":
        params = write_object({"_meta": Raw(write_meta(US))})
        await connection.request("server/discover", params, timeout_s=timeout_s)
    else:
        await connection.request("ping", b"{}", timeout_s=timeout_s)
