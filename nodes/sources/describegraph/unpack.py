"""Unpacks xz within bounds: a header of a few bytes may ask for a window of 4 GB."""

import lzma
from typing import BinaryIO

MEMORY_BYTES = 80 * 2**20  # what `xz -9` needs to unpack
_CHUNK_BYTES = 2**16


class XzReader:
    """Reads the streams of an xz file one after the other. Raises EOFError where it is cut off, LZMAError where it is
    damaged or asks for too much memory.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._unpacker = _begin_stream()

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        while True:
            packed = b""
            if self._unpacker.eof:
                packed = (self._unpacker.unused_data or self._file.read(_CHUNK_BYTES)).lstrip(b"\0")  # padding
                if not packed:
                    return b""
                self._unpacker = _begin_stream()
            elif self._unpacker.needs_input:
                packed = self._file.read(_CHUNK_BYTES)
                if not packed:
                    raise EOFError("it ends in the middle of a stream")
            if unpacked := self._unpacker.decompress(packed, size):
                return unpacked


def _begin_stream() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY_BYTES)
