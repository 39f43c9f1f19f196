"""Reads an `lncli describegraph` file: plain, gzip or xz, whatever its name."""

import gzip
import io
import lzma
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from nodes.sources.describegraph.graph import Graph

MAX_GRAPH_BYTES = 512 * 2**20  # unpacked; mainnet is about 100 MB as lncli prints it (2024)

_CHUNK_BYTES = 2**20
_GZIP_MAGIC = b"\x1f\x8b"
_XZ_MAGIC = b"\xfd7zXZ\x00"
_EXPORT_AGAIN = "Export it again: lncli describegraph > graph.json"
# 64-bit numbers are strings in this format, hence strict=False.
_DECODER = msgspec.json.Decoder(Graph, strict=False)


class GraphFileError(ValueError):
    """The file is not a channel graph we can read. The message names the file, what is wrong, and what to do."""


def read_graph(path: Path, *, max_bytes: int = MAX_GRAPH_BYTES) -> Graph:
    """The graph in `path`. Needs the unpacked text and the typed graph in memory, never a tree of dictionaries.

    Raises GraphFileError: missing, unreadable, empty, truncated, larger than `max_bytes` unpacked, not JSON, or JSON
    of another shape.
    """
    text = _read_text(path, max_bytes=max_bytes)
    if not text.strip():
        raise GraphFileError(f"{path} is empty. {_EXPORT_AGAIN}")
    try:
        graph = _DECODER.decode(text)
    except msgspec.ValidationError as error:
        raise GraphFileError(
            f"{path} is JSON, but not what `lncli describegraph` prints: {error}. {_EXPORT_AGAIN}"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GraphFileError(f"{path} is not JSON, or only a part of it ({error}). {_EXPORT_AGAIN}") from error
    if not graph.channels:
        raise GraphFileError(
            f"{path} holds no channels. Is the node synced to the graph (lncli getinfo)? {_EXPORT_AGAIN}"
        )
    return graph


def _read_text(path: Path, *, max_bytes: int) -> bytearray:
    text = bytearray()
    try:
        with path.open("rb") as file, _unpack(file) as unpacked:
            while chunk := unpacked.read(_CHUNK_BYTES):
                text += chunk
                if len(text) > max_bytes:
                    raise GraphFileError(
                        f"{path} unpacks to more than {max_bytes // 2**20} MB: no channel graph is that large. "
                        f"{_EXPORT_AGAIN}"
                    )
    except FileNotFoundError as error:
        raise GraphFileError(
            f"{path}: no such file. Check the path, or leave it out for a simulated network"
        ) from error
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error) as error:
        raise GraphFileError(f"{path} is truncated or damaged ({error}). Copy or download it again") from error
    except OSError as error:
        raise GraphFileError(
            f"{path} cannot be read: {error.strerror or error}. Check the path and its permissions"
        ) from error
    return text


def _unpack(file: io.BufferedReader) -> BinaryIO:
    """By the first bytes, not by the name: a downloaded file is often renamed."""
    magic = file.peek(len(_XZ_MAGIC))
    if magic.startswith(_GZIP_MAGIC):
        return cast("BinaryIO", gzip.GzipFile(fileobj=file))
    if magic.startswith(_XZ_MAGIC):
        return cast("BinaryIO", lzma.LZMAFile(file))
    return file
