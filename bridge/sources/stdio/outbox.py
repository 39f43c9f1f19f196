"""What goes to a child: written once per turn of the loop, held back while the child does not read."""

import asyncio
from collections.abc import Callable

CHUNK_BYTES = 1 << 18


class Outbox:
    """Lines of a request have its id as key, so that one nobody waits for any more need not be sent."""

    def __init__(self, loop: asyncio.AbstractEventLoop, write: Callable[[bytes], None]) -> None:
        self._loop = loop
        self._write = write
        self._lines: list[bytes] = []
        self._held: dict[int, bytes] = {}
        self._last_key = 0
        self._is_paused = False

    def put(self, line: bytes, *, key: int | None = None) -> None:
        """`key`: a positive number that comes once."""
        if self._is_paused or self._held:
            self._last_key -= 1
            self._held[self._last_key if key is None else key] = line
            return
        if not self._lines:
            self._loop.call_soon(self._flush)
        self._lines.append(line)

    def take_back(self, key: int) -> bool:
        """Whether the line was still here: then the child never hears of it."""
        return self._held.pop(key, None) is not None

    def pause(self) -> None:
        self._is_paused = True

    def resume(self) -> None:
        """As much as the child takes: what is written may pause us again."""
        self._is_paused = False
        while self._held and not self._is_paused:
            batch, size = [], 0
            while self._held and size < CHUNK_BYTES:
                line = self._held.pop(next(iter(self._held)))
                batch.append(line)
                size += len(line)
            self._write(b"".join(batch))

    def drop(self) -> None:
        self._lines.clear()
        self._held.clear()

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            self._write(lines[0] if len(lines) == 1 else b"".join(lines))
