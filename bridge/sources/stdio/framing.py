"""Lines out of chunks of bytes. A line has no length but the limit; one beyond it is skipped to its end."""

import re
from collections.abc import Callable

EDGE = 512  # bytes at either end of a skipped line, where the id of an answer stands
_ID_FIRST = re.compile(rb'\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,18})\s*,')
_ID_LAST = re.compile(rb',\s*"id"\s*:\s*(\d{1,18})\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$')


class Lines:
    """`skipped(head, tail, length)` is called for a line beyond `limit` when it has ended."""

    def __init__(self, limit: int, skipped: Callable[[bytes, bytes, int], None]) -> None:
        self._limit = limit
        self._skipped = skipped
        self._parts: list[bytes] = []
        self._length = 0
        self._head = b""  # of the line being skipped; empty while none is

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines this chunk completes, without their ends."""
        lines = chunk.split(b"\n")
        last = lines.pop()
        if lines and self._length:
            lines[0:1] = self._complete(lines[0])
        if last:
            self._keep(last)
        if len(chunk) > self._limit:
            return [line for line in lines if not self._is_too_long(line)]
        return lines

    def _keep(self, part: bytes) -> None:
        self._parts.append(part)
        self._length += len(part)
        if self._length > self._limit:
            line = b"".join(self._parts)
            self._head = self._head or line[:EDGE]
            self._parts = [line[-EDGE:]]

    def _complete(self, end: bytes) -> list[bytes]:
        self._keep(end)
        line, length, head = b"".join(self._parts), self._length, self._head
        self._parts, self._length, self._head = [], 0, b""
        if not head:
            return [line]
        self._skipped(head, line[-EDGE:], length)
        return []

    def _is_too_long(self, line: bytes) -> bool:
        if len(line) <= self._limit:
            return False
        self._skipped(line[:EDGE], line[-EDGE:], len(line))
        return True


def find_id(head: bytes, tail: bytes) -> int | None:
    """The id of an answer of which only the ends are known: before or behind all else, so none of a value inside."""
    found = _ID_FIRST.match(head) or _ID_LAST.search(tail)
    return int(found[1]) if found else None
