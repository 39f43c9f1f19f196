"""Server-Sent Events out of chunks of bytes, with a limit."""

from typing import NamedTuple


class Event(NamedTuple):
    """`id` and `retry_ms` are None where the event has none; `data` is empty for one that only sets them."""

    name: str
    data: bytes
    id: str | None
    retry_ms: int | None


class TooLongError(Exception):
    """An event beyond the limit."""


class Events:
    """Lines end with LF, CR LF or CR, as the standard has it; an event with an empty line."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []  # of a line that has not ended
        self._size = 0  # of the event so far, its last line included
        self._ends_with_cr = False
        self._is_first = True
        self._clear()

    def feed(self, chunk: bytes) -> list[Event]:
        """The events this chunk completes. Raises TooLongError."""
        if not chunk:
            return []
        *lines, rest = self._unify(chunk).split(b"\n")
        events = []
        for line in lines:
            self._parts.append(line)
            self._grow(len(line))
            whole, self._parts = b"".join(self._parts), []
            if (event := self._take(whole)) is not None:
                events.append(event)
        if rest:
            self._parts.append(rest)
            self._grow(len(rest))
        return events

    def _unify(self, chunk: bytes) -> bytes:
        """Line ends as LF. One of two bytes may lie in two chunks."""
        if self._is_first:
            self._is_first = False
            chunk = chunk.removeprefix(b"\xef\xbb\xbf")
        if self._ends_with_cr:
            chunk = chunk.removeprefix(b"\n")
        self._ends_with_cr = chunk[-1:] == b"\r"
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in chunk else chunk

    def _grow(self, count: int) -> None:
        self._size += count
        if self._size > self._limit:
            raise TooLongError

    def _clear(self) -> None:
        self._name = "message"
        self._data: list[bytes] = []
        self._id: str | None = None
        self._retry_ms: int | None = None
        self._size = 0

    def _take(self, line: bytes) -> Event | None:
        if not line:
            return self._finish()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value.decode(errors="replace")
        elif field == b"id" and b"\0" not in value:
            self._id = value.decode(errors="replace")
        elif field == b"retry" and value.isdigit() and len(value) < 10:
            self._retry_ms = int(value)
        return None

    def _finish(self) -> Event | None:
        event = Event(self._name, b"\n".join(self._data), self._id, self._retry_ms)
        self._clear()
        return event if event.data or event.id is not None or event.retry_ms is not None else None
