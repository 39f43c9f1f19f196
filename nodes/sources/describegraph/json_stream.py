"""Reads a large JSON document value by value, with no more than a window of its text in memory."""

import codecs
import json
from collections.abc import Iterator
from typing import Any, Protocol

_CHUNK_BYTES = 2**18
_WHITESPACE = " \t\r\n"
_TOO_EARLY = "the text ends too early"
_GOES_ON = {"", *"0123456789.eE+-"}  # after a number that the window cuts, there is more of it, or nothing yet


class JsonStreamError(ValueError):
    """The text is not JSON, or ends too early."""


class TooLargeError(ValueError):
    """The document is longer than it may be."""


class ByteSource(Protocol):
    def read(self, size: int, /) -> bytes: ...


class JsonStream:
    """A position in a document. All methods raise JsonStreamError and TooLargeError."""

    def __init__(self, source: ByteSource, *, max_bytes: int, max_value_chars: int = 2**22) -> None:
        self._source = source
        self._bytes_left = max_bytes
        self._bytes_read = 0
        self._window_start_bytes = 0
        self._max_value_chars = max_value_chars
        self._decode_text = codecs.getincrementaldecoder("utf-8")().decode
        self._scan_value = json.JSONDecoder().raw_decode
        self._window = ""
        self._at = 0
        self._ended = False

    def read_value(self) -> Any:  # JSON: whatever the document holds
        """The next value as Python objects."""
        self._skip_whitespace()
        while True:
            complaint = "a value goes on for too long"
            try:
                value, end = self._scan_value(self._window, self._at)
            except json.JSONDecodeError as error:
                complaint = self._explain(error)
            except (ValueError, RecursionError) as error:
                complaint = f"{error}, in the value that begins at byte {self._count_bytes(self._at)}"
            else:
                if self._ended or self._window[end : end + 1] not in _GOES_ON:
                    self._at = end
                    return value
            if self._ended or len(self._window) - self._at > self._max_value_chars:
                raise JsonStreamError(complaint)
            self._fill()

    def read_members(self) -> Iterator[str]:
        """The names of an object's members. After each, the caller reads the value."""
        for _ in self._read_sequence("{", "}"):
            name = self.read_value()
            if not isinstance(name, str):
                raise JsonStreamError(f"a member's name must be text, not {name!r}")
            self._take(":")
            yield name

    def read_items(self) -> Iterator[Any]:
        """The values of an array."""
        for _ in self._read_sequence("[", "]"):
            yield self.read_value()

    def finish(self) -> None:
        """Nothing may follow."""
        if self.peek():
            raise JsonStreamError("more text follows after the document's end")

    def peek(self) -> str:
        """The character that begins what comes next; empty at the end of the document."""
        self._skip_whitespace()
        return self._window[self._at : self._at + 1]

    def _read_sequence(self, opening: str, closing: str) -> Iterator[None]:
        self._take(opening)
        if self.peek() != closing:
            yield
            while self.peek() == ",":
                self._at += 1
                yield
        self._take(closing)

    def _take(self, expected: str) -> None:
        found = self.peek()
        if found != expected:
            where = f"at byte {self._count_bytes(self._at)}"
            raise JsonStreamError(f"{expected!r} expected, found {found!r} {where}" if found else _TOO_EARLY)
        self._at += 1

    def _skip_whitespace(self) -> None:
        while True:
            while self._at < len(self._window) and self._window[self._at] in _WHITESPACE:
                self._at += 1
            if self._at < len(self._window) or self._ended:
                return
            self._fill()

    def _fill(self) -> None:
        chunk = self._source.read(_CHUNK_BYTES)
        self._bytes_left -= len(chunk)
        if self._bytes_left < 0:
            raise TooLargeError
        self._bytes_read += len(chunk)
        text = self._decode(chunk)
        self._window_start_bytes = self._count_bytes(self._at)
        self._window = self._window[self._at :] + text
        self._at = 0
        self._ended = not chunk

    def _decode(self, chunk: bytes) -> str:
        try:
            return self._decode_text(chunk, not chunk)
        except UnicodeDecodeError as error:
            at = self._bytes_read - len(error.object) + error.start
            wrong = f"can't decode byte {error.object[error.start]:#04x} at byte {at}: {error.reason}"
            raise JsonStreamError(wrong if chunk else _TOO_EARLY) from error

    def _explain(self, error: json.JSONDecodeError) -> str:
        """The decoder knows the window alone: its line and column are of no use to people."""
        is_cut = error.pos >= len(self._window.rstrip()) or error.msg.startswith("Unterminated string")
        return _TOO_EARLY if self._ended and is_cut else f"{error.msg} at byte {self._count_bytes(error.pos)}"

    def _count_bytes(self, at: int) -> int:
        """How many bytes of the document lie before this place in the window."""
        return self._window_start_bytes + len(self._window[:at].encode())
